"""Annotations, run-lengths, augmentation and batches."""
