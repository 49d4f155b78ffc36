"""Pictures, each a pure function from tables to a figure."""
