"""Inputs that are changed, and what reads them."""
