"""Epochs, resumable runs, and fitting the embedder."""
