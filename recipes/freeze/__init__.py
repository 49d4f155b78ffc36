"""The freeze boundary: which layers train, where the frozen part ends, and what it gives, kept on disk."""

from recipes.freeze.layers import digests, frontier, prove_frozen, split_at, thaw

__all__ = ["digests", "frontier", "prove_frozen", "split_at", "thaw"]
