"""One run: what was asked, what it needs, how it is executed, and what lands in its folder."""
