"""Thin faces: parse arguments, call one body, print."""
