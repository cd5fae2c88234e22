"""What travels between processes arrives as it left."""

from __future__ import annotations

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.types import Color, EncodedPhoto, GarmentDescriptor, MaskRLE, PhotoDescription, PhotoError
from workers.codec import (
    VERSION,
    PhotoReference,
    asked_space,
    decode_descriptions,
    decode_photos,
    described_space,
    encode_descriptions,
    encode_photos,
)
from workers.errors import CodecError, SpaceChanged

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
boxes = st.tuples(finite, finite, finite, finite)
photos = st.one_of(
    st.builds(EncodedPhoto, st.binary(max_size=200), st.none() | boxes),
    st.builds(PhotoReference, st.text(max_size=40), st.none() | boxes),
)
colors = st.builds(Color, st.text(max_size=10), st.tuples(*[st.integers(0, 255)] * 3))
masks = st.builds(
    lambda height, width, counts: MaskRLE(size=[height, width], counts=counts),
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.text(alphabet=st.characters(min_codepoint=48, max_codepoint=111), max_size=30),
)
embeddings = st.lists(finite, min_size=1, max_size=8).map(lambda values: np.array(values, dtype=np.float32))
histograms = st.dictionaries(st.sampled_from(["navy", "light blue", "white"]), st.floats(0, 1))
garments = st.builds(
    GarmentDescriptor, st.none() | st.integers(0, 45), finite, boxes, st.none() | masks, colors, embeddings, histograms
)
descriptions = st.builds(
    PhotoDescription,
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.lists(garments, max_size=3).map(tuple),
    garments,
    st.dictionaries(st.sampled_from(["decode", "segment", "embed"]), finite),
)
errors = st.builds(PhotoError, st.sampled_from(["truncated", "not_an_image"]), st.text(max_size=30))


def over_the_wire(payload):
    """As kombu packs and unpacks it."""
    return msgpack.unpackb(msgpack.packb(payload, use_bin_type=True), raw=False)


def same_garment(one, other):
    assert (one.category_id, one.score, one.box_xyxy_px, one.mask, one.color) == (
        other.category_id,
        other.score,
        other.box_xyxy_px,
        other.mask,
        other.color,
    )
    assert one.embedding.dtype == other.embedding.dtype == np.float32
    assert one.embedding.tobytes() == other.embedding.tobytes()
    assert list(one.color_histogram.items()) == list(other.color_histogram.items())


# On a busy machine drawing a list takes a second; that says nothing of the messages.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(st.lists(photos, max_size=4))
def test_photos_and_references_arrive_as_they_left(sent):
    assert decode_photos(over_the_wire(encode_photos(sent))) == sent


@unhurried
@given(st.lists(descriptions | errors, max_size=3))
def test_descriptions_arrive_bit_by_bit_and_in_order(sent):
    arrived = decode_descriptions(over_the_wire(encode_descriptions(sent, space="s", model_version="m")))
    assert len(arrived) == len(sent)
    for one, other in zip(sent, arrived, strict=True):
        assert type(one) is type(other)
        if isinstance(one, PhotoError):
            assert one == other
            continue
        assert (one.width_px, one.height_px, one.latency_ms) == (other.width_px, other.height_px, other.latency_ms)
        for garment, again in zip((*one.garments, one.whole_image), (*other.garments, other.whole_image), strict=True):
            same_garment(garment, again)


def test_an_arrived_embedding_can_be_changed_without_changing_the_message():
    garment = GarmentDescriptor(None, 1.0, (0, 0, 1, 1), None, Color("red", (255, 0, 0)), np.ones(2, np.float32))
    payload = encode_descriptions([PhotoDescription(1, 1, (), garment)], space="s", model_version="m")
    first = decode_descriptions(payload)[0]
    first.whole_image.embedding[0] = 7.0
    assert decode_descriptions(payload)[0].whole_image.embedding[0] == 1.0


def test_a_worker_of_an_earlier_version_that_sends_no_color_shares_is_understood():
    garment = GarmentDescriptor(
        None, 1.0, (0, 0, 1, 1), None, Color("red", (255, 0, 0)), np.ones(2, np.float32), {"red": 1.0}
    )
    payload = encode_descriptions([PhotoDescription(1, 1, (), garment)], space="s", model_version="m")
    del payload["results"][0]["whole_image"]["colors"]
    assert decode_descriptions(payload)[0].whole_image.color_histogram == {}


def test_numpy_numbers_of_a_model_become_plain_numbers():
    garment = GarmentDescriptor(
        np.int64(3),
        np.float32(0.5),
        tuple(np.arange(4, dtype=np.float32)),
        MaskRLE(size=[np.int32(2), np.int32(2)], counts="04"),
        Color("red", (np.uint8(1), np.uint8(2), np.uint8(3))),
        np.arange(4, dtype=np.float32)[::2],
    )
    result = PhotoDescription(np.int64(2), np.int64(2), (garment,), garment, {"embed": np.float64(1.0)})
    arrived = decode_descriptions(
        over_the_wire(encode_descriptions([result], space="s", model_version="m")), expected_space="s"
    )[0]
    assert arrived.garments[0].category_id == 3
    assert arrived.garments[0].embedding.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("payload", [{}, {"v": VERSION + 1, "photos": []}, [], None, {"v": str(VERSION), "photos": []}])
def test_a_message_of_another_version_is_refused_by_name(payload):
    with pytest.raises(CodecError, match=r"version|map"):
        decode_photos(payload)


@pytest.mark.parametrize(
    "photos", [None, [{}], [{"region": None}], [{"data": "text", "region": None}], [{"data": b"", "region": [1, 2]}]]
)
def test_a_message_of_another_shape_is_refused(photos):
    with pytest.raises(CodecError, match="not a message of photos"):
        decode_photos({"v": VERSION, "photos": photos})


@pytest.mark.parametrize("space", [None, "hub/model:emb8@00000000"])
def test_the_space_that_is_asked_for_arrives(space):
    assert asked_space(over_the_wire(encode_photos([], space=space))) == space


def test_photos_queued_before_messages_named_a_space_are_described_and_answered_in_their_version():
    queued = {"v": 1, "photos": [{"path": "catalog/a.jpg", "region": None}]}
    assert asked_space(queued) is None
    assert decode_photos(queued) == [PhotoReference("catalog/a.jpg")]
    assert encode_descriptions([], space="s", model_version="m", version=queued["v"])["v"] == 1


def test_a_space_that_is_no_name_is_refused():
    with pytest.raises(CodecError, match="must be a name, not int"):
        asked_space({"v": VERSION, "space": 7, "photos": []})


def test_embeddings_of_another_space_are_refused_not_mixed():
    payload = encode_descriptions([], space="new", model_version="m")
    assert described_space(payload) == "new"
    with pytest.raises(SpaceChanged, match=r"new.*old"):
        decode_descriptions(payload, expected_space="old")
