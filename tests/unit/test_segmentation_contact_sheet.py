"""The contact sheet of augmented samples, by which a person checks that masks follow the garments."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from segmentation.data.contact_sheet import draw_sample
from segmentation.data.samples import Sample
from segmentation.taxonomy import CATEGORIES

CONFIG = """
[train]
train_sides_px = [64]
[train.augment]
horizontal_flip = {flip}
color_jitter = 0.0
rotation = {rotation}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for name in ("a", "b", "c"):
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (80, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    content = {
        "images": [{"id": n, "file_name": f"{name}.png", "width": 60, "height": 80} for n, name in enumerate("abc")],
        "categories": [{"id": each.id, "name": each.name} for each in CATEGORIES],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 4, "segmentation": [[5, 5, 50, 5, 50, 40, 5, 40]]} for n in (0, 1)
        ],
    }
    for split in ("train", "val"):
        (folder / f"instances_{split}.json").write_text(json.dumps(content))
    return folder


def sheet(data: Path, flip: float = 0.0, rotation: float = 0.0, **options: object) -> Image.Image:
    config, out = data / "config.toml", data / "made" / "sheet.png"
    config.write_text(CONFIG.format(flip=flip, rotation=rotation))
    values = {"photos": 5, "variants": 2, **options}
    call_command("show_augmentations", config=str(config), data=data, out=out, stdout=io.StringIO(), **values)
    return Image.open(out)


def test_a_sheet_has_a_row_a_photo_with_garments_and_repeats_exactly(data: Path) -> None:
    first, again = np.asarray(sheet(data, rotation=1.0)), np.asarray(sheet(data, rotation=1.0))
    assert (first == again).all()
    height = np.asarray(sheet(data, rotation=1.0, photos=1)).shape[0]
    assert first.shape[0] == pytest.approx(2 * height, abs=10), "two photos have garments, the third has none"
    assert not (first == np.asarray(sheet(data, rotation=1.0, seed=3))).all()


def test_the_plain_sample_comes_first_and_equals_a_variant_that_changes_nothing(data: Path) -> None:
    pixels = np.asarray(sheet(data, photos=1, variants=1)).astype(int)
    half = pixels.shape[1] // 2
    title_px = 30
    plain, variant = pixels[title_px:, 6 : half - 3], pixels[title_px:, half + 3 : -6]
    assert plain.shape == variant.shape
    assert (plain == variant).all()
    changed = np.asarray(sheet(data, photos=1, variants=1, flip=1.0)).astype(int)
    assert not (changed[title_px:, half + 3 : -6] == variant).all()


def test_masks_are_drawn_in_their_categorys_color_and_nothing_else_is() -> None:
    pixels = np.full((100, 100, 3), 200, np.uint8)
    masks = np.zeros((2, 100, 100), np.uint8)
    masks[0, 40:60, 10:30], masks[1, 40:60, 60:90] = 1, 1
    cell = np.asarray(draw_sample(Sample(pixels, masks, np.array([4, 23])), "title", 118))[18:]
    assert (cell[70:95, 5:95] == 200).all()
    jacket, shoe = cell[50, 20], cell[50, 75]
    assert not (jacket == 200).all()
    assert not (jacket == shoe).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"photos": 0}, "--photos of at least 1"),
        ({"out": Path("sheet.gif")}, r"ends in \.jpg or \.png"),
        ({"config": "no_such_config"}, "no configuration 'no_such_config'"),
        ({"data": Path("nowhere")}, "nowhere"),
        ({"seed": -1}, "train.seed"),
    ],
)
def test_a_wrong_option_is_refused_by_name(data: Path, options: dict[str, object], message: str) -> None:
    values = {"config": "street", "data": data, "out": data / "sheet.png", **options}
    with pytest.raises(CommandError, match=message):
        call_command("show_augmentations", **values)
