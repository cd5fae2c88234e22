"""The embedded way to the model: the same task, the same messages, and this room's errors only."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from segmentation.checkpoint import SpaceInfo
from segmentation.types import Color, EncodedPhoto, GarmentDescriptor, PhotoDescription, PhotoError
from workers import client, runtime, tasks
from workers.codec import PhotoReference, decode_descriptions, encode_photos
from workers.config import WorkersConfig
from workers.errors import ModelMissing, VisionTimeout, VisionUnavailable


class EchoModel:
    """Answers a photo's length as its width, and refuses photos that say so."""

    space = "echo-emb2@00000000"
    dim = 2
    model_version = "echo@00000000"

    def __init__(self, space=None):
        """Echoes in whatever space it is asked for."""

    def describe(self, photos):
        return [self._one(photo) for photo in photos]

    def _one(self, photo):
        if photo.data == b"refuse":
            return PhotoError("not_an_image", "It says so.")
        whole = GarmentDescriptor(
            None,
            1.0,
            photo.region_xyxy_px or (0.0, 0.0, 1.0, 1.0),
            None,
            Color("red", (255, 0, 0)),
            np.ones(2, np.float32),
        )
        return PhotoDescription(len(photo.data), 1, (), whole)


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(runtime, "predictor", EchoModel)
    monkeypatch.setattr(client, "space", lambda: SpaceInfo(EchoModel.space, 2, "echo@00000000", "echo@00000000"))


@pytest.fixture
def media(tmp_path, monkeypatch):
    folder = tmp_path / "media"
    folder.mkdir()
    monkeypatch.setenv("SELVEDGE_MEDIA_ROOT", str(folder))
    return folder


@pytest.mark.usefixtures("model")
def test_each_photo_gets_its_own_answer_in_its_own_place():
    answers = client.describe_photos([EncodedPhoto(b"12"), EncodedPhoto(b"refuse"), EncodedPhoto(b"1")], timeout_s=5)
    assert answers[0].width_px == 2
    assert answers[1] == PhotoError("not_an_image", "It says so.")
    assert answers[2].width_px == 1


@pytest.mark.usefixtures("model")
def test_a_region_reaches_the_model():
    answer = client.describe_photos([EncodedPhoto(b"1", (1.0, 2.0, 3.0, 4.0))], timeout_s=5)[0]
    assert answer.whole_image.box_xyxy_px == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.usefixtures("model")
def test_references_are_read_in_the_media_folder_and_nowhere_else(media):
    (media / "a.jpg").write_bytes(b"four")
    (media.parent / "secret.jpg").write_bytes(b"secret")
    (media / "link.jpg").symlink_to(media.parent / "secret.jpg")
    (media / "circle.jpg").symlink_to(media / "circle.jpg")
    outside = ["../secret.jpg", str(media.parent / "secret.jpg"), "link.jpg"]
    names = ["a.jpg", *outside, "none.jpg", ".", "circle.jpg", "null\0.jpg", "half\ud800.jpg", "n" * 5000]
    reply = tasks.describe_images(encode_photos([PhotoReference(name) for name in names]))
    answers = decode_descriptions(reply)
    assert answers[0].width_px == 4
    assert [answer.code for answer in answers[1:]] == ["missing_file"] * 9


@pytest.mark.usefixtures("model")
def test_a_chain_in_one_process_hands_descriptions_to_the_next_task(media):
    (media / "a.jpg").write_bytes(b"four")
    result = client.describe_images_signature([PhotoReference("a.jpg")]).apply_async()
    assert decode_descriptions(result.get())[0].width_px == 4


def test_a_photo_that_finds_the_model_busy_gives_up_in_time(model, monkeypatch):
    entered, leave = threading.Event(), threading.Event()

    class Slow(EchoModel):
        def describe(self, photos):
            entered.set()
            leave.wait(10)
            return super().describe(photos)

    monkeypatch.setattr(runtime, "predictor", Slow)
    first = threading.Thread(target=client.describe_photos, args=([EncodedPhoto(b"1")],), kwargs={"timeout_s": 10})
    first.start()
    try:
        assert entered.wait(5)
        with pytest.raises(VisionTimeout):
            client.describe_photos([EncodedPhoto(b"2")], timeout_s=0.05)
    finally:
        leave.set()
        first.join()


def test_a_worker_with_another_model_is_no_match(model, monkeypatch):
    monkeypatch.setattr(client, "space", lambda: SpaceInfo("other", 2, "a", "b"))
    with pytest.raises(VisionUnavailable, match="other"):
        client.describe_photos([EncodedPhoto(b"1")], timeout_s=5)


@pytest.mark.usefixtures("model")
def test_the_space_a_caller_names_is_what_the_model_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(runtime, "predictor", lambda space=None: asked.append(space) or EchoModel())
    client.describe_photos([EncodedPhoto(b"1")], timeout_s=5)
    with pytest.raises(VisionUnavailable, match=r"echo-emb2@00000000.*shadow"):
        client.describe_photos([EncodedPhoto(b"1")], timeout_s=5, space="shadow")
    client.describe_images_signature([EncodedPhoto(b"1")], space="shadow").apply_async()
    assert asked == [EchoModel.space, "shadow", "shadow"]


def test_a_missing_checkpoint_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(tmp_path / "gone.safetensors"))
    with pytest.raises(ModelMissing, match=r"gone\.safetensors"):
        client.space()


def test_blank_variables_count_as_missing_and_odd_ones_are_named():
    config = WorkersConfig.from_environment({"CELERY_BROKER_URL": " ", "SELVEDGE_DATA_DIR": "", "SELVEDGE_THREADS": ""})
    assert config.broker_url is None
    assert config.threads is None
    assert config.media_root == Path(tasks.__file__).resolve().parent.parent / "var" / "media"
    with pytest.raises(ValueError, match="SELVEDGE_THREADS"):
        WorkersConfig.from_environment({"SELVEDGE_THREADS": "two"})
