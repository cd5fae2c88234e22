"""Benchmarks of other layouts, read as this project's."""
