"""How good a model is: average precision."""
