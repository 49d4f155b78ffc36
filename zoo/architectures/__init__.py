"""One page for each architecture: file name, registry name and page name are the same."""
