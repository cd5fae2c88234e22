"""How an index lies on disk: folders, manifests, what is kept and what is cleared away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from search.index.base import IndexMissing, SpaceMismatch, Tags, UnsupportedIndexUrl
from search.index.faiss_keeper import FaissKeeper
from search.index.registry import compact, drop_space, index_facts, open_reader, open_writer
from search.index.snapshots import space_folder
from tests.index_on_disk import (
    AXES,
    DIM,
    SPACE,
    base_folder,
    change,
    folder_of,
    forget_what_is_open,
    manifest_of,
    names,
    pointer_of,
    publish,
    publish_base,
    url_of,
)


@pytest.fixture(autouse=True)
def _without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is not switched off here, and a busy disk takes its time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


# Names


@pytest.mark.parametrize(
    ("space", "name"),
    [
        ("resnet18-emb256@ab12cd34", "resnet18-emb256%40ab12cd34"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("..", "%2E."),
        (".", "%2E"),
        ("a%40b", "a%2540b"),
    ],
)
def test_a_space_gets_a_folder_of_its_own_inside_the_root(space: str, name: str) -> None:
    assert space_folder(Path("root"), space) == Path("root") / name
    keeper = FaissKeeper.at("/root")
    assert keeper.published_spaces() == []


def test_a_space_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        space_folder(Path("root"), "")


def test_a_root_with_unusual_characters_works(tmp_path: Path) -> None:
    root = tmp_path / "my index #1 100%?"
    publish(root)
    assert len(open_reader(url_of(root), SPACE, DIM)) == 3


def test_options_follow_the_last_question_mark_and_must_be_known(tmp_path: Path) -> None:
    keeper = FaissKeeper.at("/srv/why?/index?kind=flat&nprobe=64")
    assert (keeper.root, keeper.options.kind, keeper.options.nprobe) == (Path("/srv/why?/index"), "flat", 64)
    with pytest.raises(UnsupportedIndexUrl, match="did you mean nprobe"):
        open_reader(f"faiss://{tmp_path}?nprobes=3", SPACE, DIM)


# What is on disk


def test_a_manifest_describes_its_base(tmp_path: Path) -> None:
    publish_base(tmp_path, 5)
    manifest = manifest_of(tmp_path)
    assert (manifest["format_version"], manifest["space"], manifest["dim"], manifest["count"]) == (2, SPACE, DIM, 5)
    assert str(manifest["created_at"]).endswith("+00:00")
    in_folder = {path.name for path in base_folder(tmp_path).iterdir()}
    assert in_folder - set(manifest["files"]) == {"manifest.json", "delta.log", "delta.f32"}  # type: ignore[call-overload]


def test_many_publishes_keep_one_base_and_compaction_the_one_before(tmp_path: Path) -> None:
    publish_base(tmp_path, 10)
    for first_id in range(4):
        change(tmp_path, first_id)
    assert names(tmp_path) == ["CURRENT", "base-00000001"]
    for _ in range(2):
        change(tmp_path, 1000, 2049)
        assert compact(url_of(tmp_path), SPACE, DIM)
    assert names(tmp_path) == ["CURRENT", "base-00000007", "base-00000008"]
    publish(tmp_path, fresh=True)
    assert names(tmp_path) == ["CURRENT", "base-00000009"]


def test_equal_content_makes_equal_files_whatever_the_order_it_came_in(tmp_path: Path) -> None:
    files = []
    for name, order in (("a", [0, 1, 2]), ("b", [2, 0, 1])):
        root = tmp_path / name
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("search.index.drafts.BUILD_AT_LEAST", 1)
            with open_writer(url_of(root), SPACE, DIM) as writer:
                writer.upsert(np.array([7]), AXES[7:], [Tags(1, 4)])
                writer.upsert(np.array(order), AXES[order], [Tags(i, i) for i in order])
                writer.remove(np.array([7]))
                writer.publish()
        files.append(manifest_of(root)["files"])
    assert files[0] == files[1]


def test_vectors_are_mapped_not_read_into_memory(tmp_path: Path) -> None:
    publish_base(tmp_path, 5)
    change(tmp_path, 1)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    reader.search(AXES[:1], 1)
    mapped = Path("/proc/self/maps")
    if not mapped.exists():
        pytest.skip("no /proc to look into")
    for name in ("vectors.npy", "ids.npy", "coarse.faiss", "delta.f32"):
        assert str(base_folder(tmp_path) / name) in mapped.read_text()


def test_tags_take_as_few_bytes_as_their_values(tmp_path: Path) -> None:
    publish_base(tmp_path, 3000)
    small = (base_folder(tmp_path) / "tag-in_stock.npy").stat().st_size
    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        writer.upsert(np.arange(3000), np.repeat(AXES[:1], 3000, axis=0), [Tags(1, 4, price=2**40)] * 3000)
        writer.publish()
    assert compact(url_of(tmp_path), SPACE, DIM)
    assert small == 3000 + 128
    assert (base_folder(tmp_path) / "tag-price.npy").stat().st_size > 8 * 3000
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    assert reader.tags(np.array([2999])).tolist() == [[1, 4, -1, -1, -1, -1, 2**40, 0]]


def test_what_a_killed_process_left_is_stepped_over_and_cleared_away(tmp_path: Path) -> None:
    publish(tmp_path, 3)
    folder = folder_of(tmp_path)
    shutil.copytree(folder / "base-00000001", folder / "base-00000002")  # renamed, but the pointer not yet switched
    shutil.copytree(folder / "base-00000001", folder / "gen-00000005")  # of the release before
    for name in (".writing", ".building", ".compacting"):
        (folder / name).mkdir()
        (folder / name / "vectors.npy").write_bytes(b"half")
    (folder / "CURRENT.new").write_text("state")
    forget_what_is_open()
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    assert (len(reader), reader.generation) == (3, 1)
    assert publish(tmp_path, 4) == 2
    assert names(tmp_path) == [".compacting", "CURRENT", "base-00000001"]
    assert len(reader) == 4
    change(tmp_path, 10, 2049)
    assert compact(url_of(tmp_path), SPACE, DIM)
    assert names(tmp_path) == ["CURRENT", "base-00000001", "base-00000004"]


def test_a_folder_moved_under_another_spaces_name_is_a_mismatch(tmp_path: Path) -> None:
    publish(tmp_path)
    other = "othernet-emb8@ffffffff"
    folder_of(tmp_path).rename(space_folder(tmp_path, other))
    with pytest.raises(SpaceMismatch, match=SPACE):
        open_reader(url_of(tmp_path), other, DIM)


def test_a_reader_says_when_its_index_is_deleted_and_recovers_when_it_is_built_again(tmp_path: Path) -> None:
    publish(tmp_path, 3)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    shutil.rmtree(tmp_path)
    with pytest.raises(IndexMissing):
        reader.search(AXES[:1], 1)
    assert publish(tmp_path, 5) == 1  # the number it had before, with other content
    assert len(reader) == 5


def test_a_backup_that_is_brought_back_is_served(tmp_path: Path) -> None:
    publish(tmp_path, 3)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    shutil.copytree(folder_of(tmp_path), tmp_path / "backup")
    publish(tmp_path, 5)
    assert len(reader) == 5
    shutil.rmtree(folder_of(tmp_path))
    shutil.copytree(tmp_path / "backup", folder_of(tmp_path))
    assert len(reader) == 3
    assert pointer_of(tmp_path).number == 1
    assert publish(tmp_path, 6) == 2
    assert len(reader) == 6


def test_a_backup_that_is_brought_back_and_changed_further_than_before_is_served(tmp_path: Path) -> None:
    """The log that a reader has open goes on otherwise than the one on the disk."""
    publish(tmp_path, 3)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    shutil.copytree(folder_of(tmp_path), tmp_path / "backup")
    publish(tmp_path, 4)
    assert len(reader) == 4
    shutil.rmtree(folder_of(tmp_path))
    shutil.copytree(tmp_path / "backup", folder_of(tmp_path))
    forget_what_is_open()  # another process writes
    change(tmp_path, 10, 5)
    change(tmp_path, 20, 5)
    assert reader.ids().tolist() == [0, 1, 2, *range(10, 15), *range(20, 25)]


def test_facts_step_over_a_folder_that_is_cleared_away_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, 3)
    (folder_of(tmp_path) / ".compacting").mkdir()
    scandir = os.scandir

    def vanish_before(path: str) -> object:
        if str(path).endswith(".compacting"):
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanish_before)
    assert index_facts(url_of(tmp_path), SPACE, DIM).bytes_on_disk > 0


def test_a_space_is_dropped_while_a_compaction_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, 3)
    half_written = folder_of(tmp_path) / ".compacting"
    half_written.mkdir()
    rmdir = os.rmdir

    def write_before(path: str, **named: int) -> None:
        if str(path).endswith(".compacting"):
            (half_written / "ids.npy").write_bytes(b"half")
        rmdir(path, **named)

    monkeypatch.setattr(os, "rmdir", write_before)
    drop_space(url_of(tmp_path), SPACE)
    assert [name for name in names(tmp_path) if name != ".compacting"] == []
