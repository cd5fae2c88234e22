"""A small shop whose photos the shipped model describes for real: for tests that go through `workers.client`."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from search.descriptions import store_descriptions
from search.indexing import register_space, sync_index
from search.models import Space
from segmentation.types import EncodedPhoto, PhotoDescription
from tests.factories import feed_row, make_image, make_product, make_retailer, write_feed
from workers import client

N_PRODUCTS = 5
SIZE_PX = (240, 320)


@cache
def packshot(number: int) -> bytes:
    """A JPEG of something like a shirt on white; another color and pattern for every number."""
    random = np.random.default_rng(number)
    base, stripe = (tuple(int(v) for v in random.integers(20, 230, size=3)) for _ in range(2))
    picture = Image.new("RGB", SIZE_PX, (250, 250, 250))
    draw = ImageDraw.Draw(picture)
    draw.polygon([(60, 60), (180, 60), (232, 130), (205, 152), (182, 120), (182, 290)], fill=base)
    draw.polygon([(60, 60), (180, 60), (182, 290), (58, 290), (58, 120), (35, 152), (8, 130)], fill=base)
    step = 12 + 7 * number
    for y in range(70, 290, step):
        draw.rectangle((58, y, 182, y + step // 3), fill=stripe)
    draw.ellipse((98, 44, 142, 78), fill=(250, 250, 250))
    buffer = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.6)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@cache
def _descriptions() -> list[PhotoDescription]:
    """What the shipped model sees in the packshots; described once a session."""
    results = client.describe_photos([EncodedPhoto(packshot(n)) for n in range(N_PRODUCTS)], timeout_s=300)
    return [result for result in results if isinstance(result, PhotoDescription)]


def open_shop(slug: str = "acme") -> Space:
    """Products T0, T1, ... with described photos and a published index. Point MEDIA_ROOT and the index away before."""
    space, retailer = register_space(), make_retailer(slug)
    images = [
        make_image(
            make_product(retailer, external_id=f"T{number}", title=f"Striped Tee {number}"),
            packshot(number),
        )
        for number in range(N_PRODUCTS)
    ]
    store_descriptions(
        space,
        [image.pk for image in images],
        [image.sha256 for image in images],
        _descriptions(),
        segmenter_version=client.space().segmenter_version,
    )
    sync_index(space)
    return space


def write_shop(folder: Path, n_products: int = N_PRODUCTS) -> Path:
    """The same shop as files: feed.csv and images/."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(n_products):
        (folder / "images" / f"t{number}.jpg").write_bytes(packshot(number))
        rows.append(feed_row(f"T{number}", title=f"Striped Tee {number}", image_link=f"images/t{number}.jpg"))
    return write_feed(folder / "feed.csv", rows)
