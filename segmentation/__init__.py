"""Everything that sees: Mask R-CNN, crops, colors, embeddings, training and evaluation.

Knows torch; knows no Django (except `management/commands`), no queue, no index, no prices.
"""
