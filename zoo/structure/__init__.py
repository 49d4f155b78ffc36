"""What a built network consists of: its calls, what a pass costs, its layers as a table."""
