"""Trains the crop embedder: identities from catalogs and street photos, crops that look as they do in service, losses.

The walk: sources -> prepared crops -> batches of augmented views -> steps -> recall on held-out identities.
"""
