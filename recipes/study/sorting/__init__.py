"""An album sorted into classes by a person: what is asked next, what is on disk of it, and where the photos go."""
