"""Schema of the catalog's records."""
