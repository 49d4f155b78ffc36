"""How fast a recipe is, measured beside a plain Keras script."""
