"""The catalog as a list: filtered by what feeds tell and photos show, with counts of what it can be narrowed to."""
