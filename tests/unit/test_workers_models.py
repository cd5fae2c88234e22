"""Several models in one process, and the folder in which the checkpoints of every space are kept."""

from __future__ import annotations

import shutil
import threading
from collections import OrderedDict

import pytest

from tests.pretend_models import write_pair
from workers import model_files, runtime
from workers.errors import ModelMissing, ModelsNotKept
from workers.model_files import CheckpointPair


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A models folder; pair 0 is the configured one."""
    configured = write_pair(tmp_path / "configured", 0)
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(configured.segmenter))
    monkeypatch.setenv("SELVEDGE_EMBEDDER", str(configured.embedder))
    monkeypatch.setenv("SELVEDGE_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


class NamedModel:
    """Knows its space and nothing else."""

    def __init__(self, space):
        self.space = space


@pytest.fixture
def loads(folder, monkeypatch):
    """The spaces whose models were loaded, in that order; they are cheap."""
    loaded = []

    def load(segmenter, embedder, *, threads):
        space = CheckpointPair(segmenter, embedder).space().name
        loaded.append(space)
        return NamedModel(space)

    monkeypatch.setattr("segmentation.predictor.GarmentPredictor.from_files", load)
    monkeypatch.setattr(runtime, "_loaded", OrderedDict())
    monkeypatch.setattr(runtime, "_owner_pid", None)
    monkeypatch.setattr(runtime, "_last_announced", None)
    monkeypatch.setattr(runtime, "_is_following", False)
    return loaded


def keep(tmp_path, number):
    return model_files.keep_pair(write_pair(tmp_path / "given", number)).name


def test_the_configured_pair_needs_no_models_folder(folder):
    configured = model_files.configured_pair()
    assert model_files.find_pair(configured.space().name) == configured
    assert not folder.exists()


def test_a_kept_space_goes_on_when_its_files_are_overwritten_in_place(folder, tmp_path):
    configured = model_files.configured_pair()
    name = model_files.keep_pair(configured).name
    newer = write_pair(tmp_path / "newer", 1)
    for old, new in ((configured.segmenter, newer.segmenter), (configured.embedder, newer.embedder)):
        old.write_bytes(new.read_bytes())
    kept = model_files.find_pair(name)
    assert kept.space().name == name
    assert kept.embedder.is_relative_to(folder)
    assert model_files.kept_spaces() == [name]


def test_an_unknown_space_is_told_with_where_was_looked(folder):
    with pytest.raises(ModelMissing, match=r"nobody-emb48@00000000.*net-emb48@.*SELVEDGE_MODELS_DIR"):
        model_files.find_pair("nobody-emb48@00000000")


def test_a_damaged_copy_counts_as_missing_until_it_is_kept_again(folder, tmp_path):
    pair = write_pair(tmp_path / "given", 1)
    name = model_files.keep_pair(pair).name
    copy = model_files.find_pair(name).embedder
    copy.write_bytes(copy.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ModelMissing, match="holds damaged ones"):
        model_files.find_pair(name)
    model_files.keep_pair(pair)
    assert model_files.find_pair(name).embedder == copy


def test_what_a_kill_left_half_copied_is_no_space_and_is_cleared_away(folder, tmp_path, monkeypatch):
    pair = write_pair(tmp_path / "given", 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            model_files.keep_pair(pair)
    assert model_files.kept_spaces() == []
    name = model_files.keep_pair(pair).name
    assert model_files.find_pair(name)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [
        model_files.find_pair(name).embedder.parent.name
    ]


def test_forgotten_checkpoints_are_gone_and_forgetting_twice_is_fine(folder, tmp_path):
    name = keep(tmp_path, 1)
    model_files.forget_pair(name)
    model_files.forget_pair(name)
    with pytest.raises(ModelMissing):
        model_files.find_pair(name)


def test_a_models_folder_that_cannot_be_written_is_told(folder, tmp_path):
    folder.write_text("a file where the folder should be")
    with pytest.raises(ModelsNotKept, match="cannot be written"):
        keep(tmp_path, 1)
    with pytest.raises(ModelsNotKept):
        model_files.announce("any")


def test_a_process_keeps_the_two_models_it_used_last(loads, tmp_path):
    first, second = keep(tmp_path, 1), keep(tmp_path, 2)
    configured = runtime.predictor().space
    for space in (first, configured, second, configured):
        assert runtime.predictor(space).space == space
    assert loads == [configured, first, second]
    assert runtime.loaded_spaces() == [second, configured]


def test_a_space_nobody_knows_costs_no_model_that_is_loaded(loads, tmp_path):
    first = keep(tmp_path, 1)
    runtime.predictor(first)
    with pytest.raises(ModelMissing):
        runtime.predictor("nobody-emb48@00000000")
    assert runtime.loaded_spaces() == [first]


def test_threads_that_want_the_same_model_share_one_while_another_model_serves(loads, tmp_path, monkeypatch):
    first = keep(tmp_path, 1)
    serving = runtime.predictor()
    entered, leave = threading.Event(), threading.Event()

    def slow(segmenter, embedder, *, threads):
        entered.set()
        assert leave.wait(10)
        loads.append(first)
        return NamedModel(first)

    monkeypatch.setattr("segmentation.predictor.GarmentPredictor.from_files", slow)
    got = []
    wanting = [threading.Thread(target=lambda: got.append(runtime.predictor(first))) for _ in range(3)]
    for thread in wanting:
        thread.start()
    assert entered.wait(10)
    assert runtime.predictor() is serving
    leave.set()
    for thread in wanting:
        thread.join(10)
    assert len(set(map(id, got))) == 1
    assert loads.count(first) == 1


def test_an_announced_space_is_loaded_beside_serving(loads, tmp_path):
    first = keep(tmp_path, 1)
    runtime.warm_up()
    configured = model_files.configured_pair().space().name
    assert runtime.loaded_spaces() == [configured]
    model_files.announce(first)
    runtime.follow_announcement()
    for thread in threading.enumerate():
        if thread.name == "load-ahead":
            thread.join(10)
    assert runtime.loaded_spaces() == [configured, first]
    runtime.follow_announcement()
    assert loads == [configured, first]


def test_a_process_that_describes_for_a_shadow_loads_no_model_beside_its_own(loads, tmp_path):
    model_files.announce(model_files.configured_pair().space().name)
    first = keep(tmp_path, 1)
    runtime.predictor(first)
    runtime.follow_announcement()
    assert not [thread for thread in threading.enumerate() if thread.name == "load-ahead"]
    assert loads == [first]


def test_a_worker_that_starts_after_a_promotion_warms_up_the_space_that_serves(loads, tmp_path):
    first = keep(tmp_path, 1)
    model_files.announce(first)
    runtime.warm_up()
    assert runtime.loaded_spaces() == [first]
