"""Sheets of queries with what was found for them: the photo, then the first products, right ones framed in green."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from search.evaluation.benchmark import SAME, Benchmark, BenchmarkQuery, CatalogItem
from search.evaluation.figures import Outcome

N_ROWS = 8
_N_FOUND = 5
_CELL_PX = 150
_CAPTION_PX = 20
_GAP_PX = 6
_SAME_RGB, _OTHER_COLOR_RGB, _WRONG_RGB, _BOX_RGB = (0, 160, 80), (170, 200, 0), (200, 60, 60), (255, 45, 140)
_TEXT = ImageFont.load_default(size=12)


def good_queries(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Queries whose best product came first, evenly from all of them."""
    return _evenly([each for each in outcomes if each.rank == 1])


def bad_queries(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Queries with nothing right among the first ten, evenly from all of them."""
    return _evenly([each for each in outcomes if each.rank is None])


def query_sheet(benchmark: Benchmark, outcomes: Sequence[Outcome]) -> Image.Image:
    """One row a query: its photo with its box, a picture of what should be found, and the first products found.

    Args:
        benchmark: The queries' benchmark.
        outcomes: At least one.
    """
    items = {item.id: item for item in benchmark.catalog}
    queries = {query.id: query for query in benchmark.queries}
    n_columns = _N_FOUND + 2
    height = _CELL_PX + _CAPTION_PX + _GAP_PX
    sheet = Image.new("RGB", (n_columns * (_CELL_PX + _GAP_PX) + _GAP_PX, len(outcomes) * height + _GAP_PX), "white")
    draw = ImageDraw.Draw(sheet)
    for row, outcome in enumerate(outcomes):
        query = queries[outcome.query_id]
        cells = [(_query_cell(query), query.kind), *_wanted(query, items)]
        cells += [(_found_cell(query, items[each]), each) for each in outcome.found[:_N_FOUND]]
        for column, (cell, caption) in enumerate(cells):
            place = (_GAP_PX + column * (_CELL_PX + _GAP_PX), _GAP_PX + row * height)
            sheet.paste(cell, place)
            draw.text((place[0], place[1] + _CELL_PX + 2), caption[:22], fill="black", font=_TEXT)
    return sheet


def _evenly(outcomes: Sequence[Outcome]) -> list[Outcome]:
    n = min(N_ROWS, len(outcomes))
    return [outcomes[number * len(outcomes) // n] for number in range(n)]


def _query_cell(query: BenchmarkQuery) -> Image.Image:
    with Image.open(query.file) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    if query.box_xyxy_px is not None:
        ImageDraw.Draw(image).rectangle(query.box_xyxy_px, outline=_BOX_RGB, width=max(2, image.width // 100))
    return _fitted(image, None)


def _wanted(query: BenchmarkQuery, items: dict[str, CatalogItem]) -> list[tuple[Image.Image, str]]:
    best = max(query.relevant, key=lambda each: query.relevant[each])
    return [(_fitted(_open(items[best]), "black"), f"wanted: {best}")]


def _found_cell(query: BenchmarkQuery, item: CatalogItem) -> Image.Image:
    grade = query.relevant.get(item.id)
    frame = _WRONG_RGB if grade is None else _SAME_RGB if grade == SAME else _OTHER_COLOR_RGB
    return _fitted(_open(item), frame)


def _open(item: CatalogItem) -> Image.Image:
    with Image.open(item.file) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    if item.box_xyxy_px is None:
        return image
    left, top, right, bottom = item.box_xyxy_px
    return image.crop((int(left), int(top), int(right) + 1, int(bottom) + 1))


def _fitted(image: Image.Image, frame: str | tuple[int, int, int] | None) -> Image.Image:
    """The picture in a square cell, framed."""
    cell = Image.new("RGB", (_CELL_PX, _CELL_PX), "#f0f0f0")
    image.thumbnail((_CELL_PX, _CELL_PX))
    cell.paste(image, ((_CELL_PX - image.width) // 2, (_CELL_PX - image.height) // 2))
    if frame is not None:
        ImageDraw.Draw(cell).rectangle((0, 0, _CELL_PX - 1, _CELL_PX - 1), outline=frame, width=4)
    return cell
