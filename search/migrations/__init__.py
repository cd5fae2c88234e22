"""Schema history of the search room."""
