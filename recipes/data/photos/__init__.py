"""A person's own photos: listed, looked at, compared, diagnosed, and never changed."""
