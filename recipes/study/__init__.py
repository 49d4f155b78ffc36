"""Many runs: searches, seeds, results, comparisons, and speed against a plain script."""
