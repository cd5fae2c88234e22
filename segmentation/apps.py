"""Registers the room's management commands with Django; it has no models."""

from __future__ import annotations

from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    """Commands such as `train_segmenter` and `draw_catalog`."""

    name = "segmentation"
    label = "segmentation"
