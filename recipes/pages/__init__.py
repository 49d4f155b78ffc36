"""The pages that are shown on this machine: a small server, and what each page answers."""
