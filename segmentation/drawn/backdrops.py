"""What lies behind: surfaces for packshots, places for street scenes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from segmentation.drawn.patterns import Rgb
from segmentation.drawn.shading import noise_sheet

Floats = NDArray[np.float32]

SOFT_COLORS: tuple[Rgb, ...] = (
    (240, 228, 220),
    (222, 232, 238),
    (232, 238, 224),
    (244, 236, 214),
    (236, 226, 238),
    (216, 208, 198),
)
COARSE = 2
"""Places are painted at half size: they are out of focus anyway."""


def packshot_backdrop(width_px: int, height_px: int, rng: Generator) -> Floats:
    """White, gray, softly colored or wooden; float32, shape (H, W, 3), 0..255."""
    kind = rng.random()
    if kind < 0.42:
        level = float(rng.uniform(246, 255))
        sheet = np.full((height_px, width_px, 3), level, np.float32)
    elif kind < 0.60:
        sheet = np.full((height_px, width_px, 3), float(rng.uniform(196, 232)), np.float32)
    elif kind < 0.84:
        color = SOFT_COLORS[int(rng.integers(len(SOFT_COLORS)))]
        sheet = np.tile(np.array(color, np.float32), (height_px, width_px, 1))
    else:
        return _planks(width_px, height_px, rng)
    x, y = np.linspace(-1, 1, width_px, dtype=np.float32), np.linspace(-1, 1, height_px, dtype=np.float32)
    fall = float(rng.uniform(0.0, 0.05))
    light = 1.0 - fall * (x[None, :] ** 2 + y[:, None] ** 2) + fall * 0.4 * x[None, :]
    return np.minimum(sheet * light[:, :, None], 255.0).astype(np.float32)


def _planks(width_px: int, height_px: int, rng: Generator) -> Floats:
    tones: tuple[Rgb, ...] = ((206, 176, 138), (170, 128, 88), (226, 214, 196), (128, 98, 74))
    tone = np.array(tones[int(rng.integers(len(tones)))], np.float32)
    count = int(rng.integers(4, 8))
    board = np.arange(width_px) * count // width_px
    shade = (1.0 + 0.05 * rng.standard_normal(count)).astype(np.float32)[board]
    noise = noise_sheet()
    column = (np.arange(width_px) * 7 // 2 + board * 53) & 255
    row = (np.arange(height_px) // 6) & 255
    grain = noise[row[:, None], column[None, :]]
    edge = np.abs((np.arange(width_px) * count / width_px) % 1.0 - 0.5) > 0.49
    light = shade[None, :] * (1 + 0.06 * grain) * np.where(edge, 0.72, 1.0)[None, :]
    return np.asarray(np.clip(tone * light[:, :, None], 0, 255), dtype=np.float32)


def scene_backdrop(width_px: int, height_px: int, rng: Generator) -> tuple[Floats, str]:
    """A place, out of focus, with its name; the ground meets the rest at about 62 % of the height."""
    names = sorted(PLACES)
    name = names[int(rng.integers(len(names)))]
    small = Image.new("RGB", (width_px // COARSE, height_px // COARSE))
    PLACES[name](small, ImageDraw.Draw(small), rng)
    blurred = small.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.8, 3.2))))
    sheet = np.asarray(blurred.resize((width_px, height_px), Image.Resampling.BICUBIC), dtype=np.float32)
    grain = rng.standard_normal((height_px // 2, width_px // 2)).astype(np.float32)
    grain = np.repeat(np.repeat(grain, 2, axis=0), 2, axis=1)
    sheet = sheet.copy()
    sheet[: grain.shape[0], : grain.shape[1]] += grain[:, :, None] * 1.8
    return sheet, name


def _shade(color: Rgb, share: float) -> Rgb:
    red, green, blue = (int(np.clip(c * share, 0, 255)) for c in color)
    return (red, green, blue)


def _fade(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], top: Rgb, bottom: Rgb) -> None:
    x0, y0, x1, y1 = box
    for y in range(y0, y1):
        t = (y - y0) / max(y1 - y0, 1)
        red, green, blue = (int(a + (b - a) * t) for a, b in zip(top, bottom, strict=True))
        draw.line((x0, y, x1, y), fill=(red, green, blue))


def _sky(draw: ImageDraw.ImageDraw, width: int, horizon: int, rng: Generator) -> None:
    skies: tuple[tuple[Rgb, Rgb], ...] = (
        ((142, 184, 224), (224, 234, 240)),
        ((196, 204, 212), (228, 230, 230)),
        ((214, 176, 150), (246, 224, 196)),
    )
    top, bottom = skies[int(rng.integers(len(skies)))]
    _fade(draw, (0, 0, width, horizon), top, bottom)


def _street(image: Image.Image, draw: ImageDraw.ImageDraw, rng: Generator) -> None:
    """Facades on both sides of a pavement."""
    w, h = image.size
    horizon = int(h * rng.uniform(0.56, 0.66))
    _sky(draw, w, horizon, rng)
    tones: tuple[Rgb, ...] = (
        (176, 150, 128),
        (150, 92, 76),
        (196, 190, 178),
        (128, 134, 144),
        (206, 186, 150),
        (110, 104, 106),
    )
    x = -int(rng.integers(0, 30))
    while x < w:
        wide = int(rng.integers(w // 6, w // 3))
        top = int(horizon * rng.uniform(0.02, 0.5))
        tone = tones[int(rng.integers(len(tones)))]
        _fade(draw, (x, top, x + wide, horizon), tone, _shade(tone, 0.82))
        glass = _shade((96, 112, 128), float(rng.uniform(0.7, 1.5)))
        step_x, step_y = int(rng.integers(13, 20)), int(rng.integers(18, 26))
        for wy in range(top + 8, horizon - 34, step_y):
            for wx in range(x + 6, x + wide - 9, step_x):
                lit = (238, 214, 150) if rng.random() < 0.08 else glass
                draw.rectangle((wx, wy, wx + step_x * 0.5, wy + step_y * 0.55), fill=lit, outline=_shade(tone, 1.12))
        awning = tones[int(rng.integers(len(tones)))]
        draw.rectangle((x + 4, horizon - 26, x + wide - 4, horizon), fill=_shade(glass, 0.6))
        draw.rectangle((x + 2, horizon - 32, x + wide - 2, horizon - 25), fill=_shade(awning, 0.8))
        x += wide
    _fade(draw, (0, horizon, w, h), (150, 148, 146), (188, 184, 178))
    for k in range(1, 9):
        y = horizon + int((h - horizon) * (k / 9) ** 1.6)
        draw.line((0, y, w, y), fill=(136, 134, 132))
        draw.line((w // 2 + (k - 4) * 16, horizon, w // 2 + (k - 4) * 110, h), fill=(140, 138, 136))


def _park(image: Image.Image, draw: ImageDraw.ImageDraw, rng: Generator) -> None:
    """Trees over a lawn and a path."""
    w, h = image.size
    horizon = int(h * rng.uniform(0.52, 0.62))
    _sky(draw, w, horizon, rng)
    for _ in range(60):
        x, y = int(rng.integers(-20, w + 20)), int(horizon - abs(rng.normal(0, 60)))
        r = int(rng.integers(14, 38))
        green: Rgb = _shade((84, 122, 66), float(rng.uniform(0.6, 1.3)))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=green)
    for _ in range(4):
        x = int(rng.integers(0, w))
        draw.rectangle((x, horizon - 70, x + int(rng.integers(4, 9)), horizon + 8), fill=(84, 66, 52))
    _fade(draw, (0, horizon, w, h), (112, 148, 76), (140, 168, 92))
    mid = w // 2 + int(rng.integers(-30, 30))
    draw.polygon([(mid - 16, horizon), (mid + 16, horizon), (mid + 150, h), (mid - 150, h)], fill=(206, 192, 166))


def _wall(image: Image.Image, draw: ImageDraw.ImageDraw, rng: Generator) -> None:
    """A plastered or brick wall."""
    w, h = image.size
    floor = int(h * rng.uniform(0.80, 0.90))
    tones: tuple[Rgb, ...] = (
        (214, 204, 190),
        (178, 190, 192),
        (202, 150, 128),
        (226, 196, 150),
        (146, 150, 158),
        (120, 138, 124),
    )
    tone = tones[int(rng.integers(len(tones)))]
    _fade(draw, (0, 0, w, floor), _shade(tone, 1.06), _shade(tone, 0.9))
    if rng.random() < 0.5:
        for row in range(floor // 9 + 1):
            for col in range(-1, w // 20 + 1):
                x, y = col * 20 + 10 * (row % 2), row * 9
                brick = _shade((168, 96, 76) if sum(tone) < 560 else tone, float(rng.uniform(0.86, 1.1)))
                draw.rectangle((x, y, x + 18, min(y + 7, floor)), fill=brick)
    elif rng.random() < 0.5:
        x = int(rng.integers(0, w - 70))
        draw.rectangle((x, int(h * 0.2), x + 72, floor), fill=_shade(tone, 0.55), outline=_shade(tone, 1.2), width=4)
    _fade(draw, (0, floor, w, h), (158, 152, 146), (182, 176, 168))


def _room(image: Image.Image, draw: ImageDraw.ImageDraw, rng: Generator) -> None:
    """A room with a window, a picture, a plant."""
    w, h = image.size
    floor = int(h * rng.uniform(0.78, 0.86))
    tones: tuple[Rgb, ...] = ((232, 226, 216), (208, 214, 206), (220, 206, 200), (188, 198, 208))
    tone = tones[int(rng.integers(len(tones)))]
    _fade(draw, (0, 0, w, floor), tone, _shade(tone, 0.9))
    x = int(rng.choice([8, w - 96]))
    draw.rectangle((x, int(h * 0.10), x + 86, int(h * 0.52)), fill=(222, 236, 246), outline=(248, 248, 246), width=5)
    draw.line((x + 43, int(h * 0.10), x + 43, int(h * 0.52)), fill=(248, 248, 246), width=4)
    px = w - x - 60
    draw.rectangle(
        (px, int(h * 0.2), px + 46, int(h * 0.36)),
        fill=_shade((150, 120, 110), float(rng.uniform(0.7, 1.4))),
        outline=(90, 74, 60),
        width=3,
    )
    _fade(draw, (0, floor, w, h), (176, 136, 98), (196, 158, 118))
    for k in range(9):
        draw.line((w // 2 + (k - 4) * 34, floor, w // 2 + (k - 4) * 80, h), fill=(156, 118, 84))
    draw.rectangle((0, floor - 5, w, floor), fill=(244, 242, 238))
    pot = int(rng.choice([14, w - 44]))
    for _ in range(16):
        a = float(rng.uniform(-1.2, 1.2))
        tip = (pot + 15 + 44 * np.sin(a), floor - 40 - 60 * np.cos(a))
        draw.line((pot + 15, floor - 16, *tip), fill=_shade((70, 112, 70), float(rng.uniform(0.7, 1.3))), width=6)
    draw.polygon(
        [(pot, floor - 22), (pot + 30, floor - 22), (pot + 25, floor + 10), (pot + 5, floor + 10)], fill=(190, 112, 84)
    )


def _seaside(image: Image.Image, draw: ImageDraw.ImageDraw, rng: Generator) -> None:
    """Sea, sand, a promenade."""
    w, h = image.size
    horizon = int(h * rng.uniform(0.42, 0.5))
    _sky(draw, w, horizon, rng)
    shore = int(h * 0.64)
    _fade(draw, (0, horizon, w, shore), (70, 128, 158), (140, 186, 190))
    for _ in range(30):
        x, y = int(rng.integers(0, w)), int(rng.integers(horizon, shore))
        draw.line((x, y, x + int(rng.integers(8, 40)), y), fill=(178, 208, 212))
    _fade(draw, (0, shore, w, h), (226, 208, 168), (206, 186, 146))


PLACES: dict[str, Callable[[Image.Image, ImageDraw.ImageDraw, Generator], None]] = {
    "street": _street,
    "park": _park,
    "wall": _wall,
    "room": _room,
    "seaside": _seaside,
}
