"""What `python tests/torture.py` does to the layer of files, to inputs, and to whole runs."""
