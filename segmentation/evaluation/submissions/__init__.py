"""Files for the competition: written, and checked."""
