"""A tiny drawn shop and a recipe that trains on it in seconds."""

from __future__ import annotations

from pathlib import Path

from segmentation.drawn import draw_catalog

RECIPE = """
[model]
backbone = "mobilenet_v2"
dim = 16
input_side_px = 32

[train]
epochs = 2
groups_per_batch = 2
views_per_group = 2
same_aisle_run = 2
warmup_iterations = 2
validation_percent = 25
n_distractors = 4
stored_side_px = 64
save_every_s = 0.0
initial_share = 0.25

[[train.losses]]
name = "SupConLoss"
label = "product"
spare_group = true
parameters = { temperature = 0.1 }

[[train.losses]]
name = "ProxyAnchorLoss"
label = "group"
weight = 0.1
"""


def draw_tiny_shop(folder: Path) -> Path:
    """Draw a shop of 24 products with scenes, with a recipe `mine.toml` beside its feed."""
    draw_catalog(folder, products=24, scenes=3, seed=5)
    (folder / "mine.toml").write_text(RECIPE)
    return folder
