"""Benchmarks: read strictly, in every documented layout."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from django.core.management import call_command
from PIL import Image

from benchmarks.ablation_rows import ROWS
from search.errors import BenchmarkError
from search.evaluation.layouts.reading import read_benchmark
from segmentation.config import EmbedderConfig
from segmentation.metric_learning.config import EmbedderTrainConfig
from tests.benchmark_files import (
    picture,
    shop_benchmark,
    write_ccp_robust,
    write_deepfashion2,
    write_inshop,
    write_json,
)


def small(folder: Path) -> dict:
    """Two products and two queries, one without a box."""
    for name in ("a", "b", "q"):
        picture(folder / f"{name}.jpg")
    return {
        "catalog": [{"id": "A", "file": "a.jpg"}, {"id": "B", "file": "b.jpg", "item_group": "G", "category_id": 6}],
        "queries": [
            {"id": "1", "file": "q.jpg", "kind": "wild", "box_xywh": [1, 2, 10, 20], "relevant": {"A": 2, "B": 1}},
            {"id": "2", "file": "q.jpg", "kind": "studio", "box_xywh": None, "relevant": {"B": 2}},
        ],
    }


def read(folder: Path, content: object = None, **options):
    if content is not None:
        write_json(folder / "some.json", content)
        folder = folder / "some.json"
    return read_benchmark(folder, pictures=folder.parent / "pictures", **options)


def test_the_projects_own_layout_is_read(tmp_path):
    found = read(tmp_path, small(tmp_path))
    assert [item.id for item in found.catalog] == ["A", "B"]
    assert found.queries[0].box_xyxy_px == (1.0, 2.0, 11.0, 22.0)
    assert found.queries[0].relevant == {"A": 2, "B": 1}
    assert found.kinds == ("wild", "studio")
    assert [found.wanted_category_id(query) for query in found.queries] == [6, 6]


def test_what_draw_catalog_writes_is_a_benchmark(tmp_path):
    call_command("draw_catalog", out=tmp_path / "drawn", products=4, scenes=1, seed=3, verbosity=0)
    found = read(tmp_path / "drawn")
    assert len(found.catalog) == 4
    assert set(found.kinds) <= {"studio", "wild"}
    assert all(query.category_id is not None for query in found.queries)
    assert all(query.box_xyxy_px is not None for query in found.queries if query.kind == "wild")


def change(path: str, value: object):
    """A change at a path such as `queries.0.kind`; `...` removes what is there."""

    def apply(content: dict) -> dict:
        *way, last = path.split(".")
        at = content
        for step in way:
            at = at[int(step) if step.isdigit() else step]
        if value is ...:
            del at[last]
        else:
            at[int(last) if last.isdigit() else last] = value
        return content

    return apply


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (change("catalog", ...), "has no 'catalog'"),
        (change("catalog", []), "catalog is empty"),
        (change("queries", {}), r"some.json.queries must be a list"),
        (change("catalog.1.id", "A"), "holds the id 'A' twice"),
        (change("catalog.0.id", " "), r"catalog\[0\].id must be a text that is not blank"),
        (change("catalog.0.file", "gone.jpg"), "there is no picture .*gone.jpg"),
        (change("catalog.0.file", "/etc/passwd"), "must be a path relative"),
        (change("catalog.1.category_id", 46), r"catalog\[1\].category_id must be a category id, 0..45, not 46"),
        (change("queries.0.box_xywh", [1, 2, 3]), r"queries\[0\].box_xywh must be four finite numbers"),
        (change("queries.0.box_xywh", [1, 2, 0, 5]), "width and a height above 0"),
        (change("queries.0.kind", None), r"queries\[0\].kind must be a text"),
        (change("queries.0.relevant", ["A"]), "must be an object of catalog ids and grades"),
        (change("queries.0.relevant.A", 3), "must have grades 1"),
        (change("queries.0.relevant.A", True), "must have grades 1"),
        (change("queries.0.relevant.C", 2), "query '1' should find 'C', which is not in the catalog"),
        (lambda content: [content], "must be an object"),
    ],
)
def test_a_malformed_benchmark_is_told_by_its_place(tmp_path, broken, told):
    with pytest.raises(BenchmarkError, match=told):
        read(tmp_path, broken(small(tmp_path)))


def test_what_is_no_benchmark_is_told(tmp_path):
    with pytest.raises(BenchmarkError, match="there is no such file"):
        read(tmp_path / "nowhere.json")
    (tmp_path / "torn.json").write_text('{"catalog": [')
    with pytest.raises(BenchmarkError, match="is no JSON file"):
        read(tmp_path / "torn.json")
    with pytest.raises(BenchmarkError, match="is not of any known layout"):
        read(tmp_path)
    with pytest.raises(BenchmarkError, match="is not of the layout inshop"):
        read(tmp_path, layout="inshop")


def test_a_part_of_a_benchmark_keeps_its_catalog(tmp_path):
    found = read(tmp_path, small(tmp_path))
    assert [query.id for query in found.part(kinds=["studio"]).queries] == ["2"]
    assert len(found.part(limit=1).queries) == 1
    assert found.part(limit=1).catalog == found.catalog
    with pytest.raises(BenchmarkError, match="no queries of kind 'street'; it has wild, studio"):
        found.part(kinds=["street"])


def test_queries_left_out_by_a_limit_are_spread_over_all(tmp_path):
    found = read(tmp_path, shop_benchmark(tmp_path))
    assert [query.id for query in found.part(limit=3).queries] == ["q0", "q2", "q4"]


def test_changed_street_photos_are_read_from_folder_gallery_or_queries_file(tmp_path):
    folder = write_ccp_robust(tmp_path / "robust")
    for path in (folder, folder / "gallery_dev.json", folder / "queries_dev.json"):
        found = read(path)
        assert [item.box_xyxy_px for item in found.catalog] == [(0, 0, 30, 30), (0, 30, 30, 70)]
        assert [(query.id, query.kind, query.relevant) for query in found.queries] == [
            ("d_0", "background", {"a": 2}),
            ("d_1", "background", {"b": 2}),
        ]
        assert found.queries[1].category_id == 6


def test_deepfashion2_pairs_by_pair_id_and_style(tmp_path):
    found = read(write_deepfashion2(tmp_path / "validation"))
    assert [item.id for item in found.catalog] == ["000002_item1", "000002_item2", "000003_item1"]
    (query,) = found.queries
    assert (query.id, query.category_id, query.relevant) == ("000001_item1", 6, {"000002_item1": 2})
    assert query.box_xyxy_px == (5.0, 5.0, 40.0, 60.0)


def test_inshop_queries_look_for_their_item_in_the_gallery(tmp_path):
    found = read(write_inshop(tmp_path / "inshop"))
    assert [(item.item_group, item.product_type) for item in found.catalog] == [
        ("id_1", "Dresses"),
        ("id_2", "Blouses Shirts"),
    ]
    (query,) = found.queries
    assert list(query.relevant) == ["img/WOMEN/Dresses/id_1/a.jpg"]
    assert query.box_xyxy_px == (4.0, 5.0, 50.0, 70.0)


def test_an_inshop_row_with_a_field_too_few_is_told_by_its_line(tmp_path):
    folder = write_inshop(tmp_path / "inshop")
    file = folder / "Eval" / "list_eval_partition.txt"
    file.write_text(file.read_text().replace(" query", ""))
    with pytest.raises(BenchmarkError, match="line 5: 3 fields are expected, not 2"):
        read(folder)


def test_lookbench_matches_finely_and_unpacks_its_pictures(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def row(color: tuple[int, int, int], category: str, *attributes: str) -> dict:
        buffer = io.BytesIO()
        Image.new("RGB", (40, 40), color).save(buffer, "PNG")
        image = {"bytes": buffer.getvalue(), "path": None}
        shown = {"category": category, "main_attribute": attributes[0], "other_attributes": list(attributes[1:])}
        return {"image": image, "bbox": [2, 3, 30, 30], **shown}

    folder = tmp_path / "real_streetlook"
    folder.mkdir()
    gallery = [row((9, 9, 9), "dress", "red", "long", "silk"), row((9, 9, 99), "dress", "red", "short")]
    queries = [row((99, 9, 9), "dress", "red", "silk", "long"), row((1, 1, 1), "skirt", "red")]
    parquet.write_table(arrow.Table.from_pylist(gallery), folder / "gallery.parquet")
    parquet.write_table(arrow.Table.from_pylist(queries), folder / "query.parquet")
    found = read_benchmark(folder, pictures=tmp_path / "pictures")
    (query,) = found.queries
    assert query.relevant == {"gallery.parquet[0]": 2}, "the same attributes in any order; without a match, not asked"
    assert query.kind == "real_streetlook"
    assert found.catalog[0].box_xyxy_px == (2.0, 3.0, 30.0, 30.0)
    with Image.open(query.file) as opened:
        assert opened.size == (40, 40)


def test_a_torn_parquet_file_is_told(tmp_path):
    pytest.importorskip("pyarrow")
    for name in ("query.parquet", "gallery.parquet"):
        (tmp_path / name).write_bytes(b"PAR1")
    with pytest.raises(BenchmarkError, match="cannot be read"):
        read(tmp_path)


def test_rows_of_the_ablation_change_what_there_is():
    for row in ROWS.values():
        dataclasses.replace(EmbedderConfig(), **row.model)
        dataclasses.replace(EmbedderTrainConfig(), **row.train)
