"""What a built network consists of: its calls, made flat, what a pass costs, its layers as a table, its stages."""
