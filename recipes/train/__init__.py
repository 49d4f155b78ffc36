"""Training: a recipe's network, its phases, the one place that compiles and fits, and what it remembers."""
