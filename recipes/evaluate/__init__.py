"""One pass over a split gives one table; scores and intervals follow from it."""
