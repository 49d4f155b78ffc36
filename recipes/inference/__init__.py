"""A finished run in use: answers, where it looked, what excites it, and bundles for other runtimes."""
