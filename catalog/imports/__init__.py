"""Imports as jobs: handed in, run by one process at a time, taken up again where that one died, told about."""
