"""Whatever is sent as a photo, there is an answer: odd pictures work, all else is refused in words, nothing hangs."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.errors import ImageRefused
from catalog.image_content import check_header, content_name
from search.models import QueryImage
from segmentation.errors import PhotoRejected
from segmentation.images import decode_displayed, decode_rgb, read_photo_size
from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError
from tests.hostile_files import READABLE, REFUSED, heic, jpeg, picture, saved
from tests.search_factories import JACKET, photo, seen
from tests.search_market import QUERY, Market, alike
from tests.web_server import ALLOWED, running_site
from workers import runtime

pytestmark = pytest.mark.django_db

BOUNDARY = "----boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
SEEDS = {
    "JPEG": jpeg(quality=60),
    "PNG": saved(picture("RGBA"), "PNG"),
    "palette PNG": saved(picture("P"), "PNG"),
    "WEBP": saved(picture(), "WEBP"),
    "HEIC": heic(),
}
EXAMPLES = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class DecodingModel:
    """Decodes as the vision model does, with its errors, and sees a jacket in whatever it could decode."""

    model_version = "seg@1"

    def __init__(self, space: str) -> None:
        self.space = space

    def describe(self, photos: Sequence[EncodedPhoto]) -> list[PhotoDescription | PhotoError]:
        return [self._describe(each) for each in photos]

    def _describe(self, encoded: EncodedPhoto) -> PhotoDescription | PhotoError:
        try:
            pixels, _ = decode_displayed(encoded.data, working_side_px=1024)
        except PhotoRejected as error:
            return PhotoError(error.code, str(error))
        assert pixels.shape[2] == 3
        return photo(seen(JACKET, QUERY))


@pytest.fixture(autouse=True)
def market(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    settings.SELVEDGE_QUERY_PHOTOS_DIR = tmp_path / "query_photos"
    market = Market()
    market.sell("J", alike(0.9))
    market.publish()
    with runtime.lent(DecodingModel(market.space.name)):
        yield


def send(client: Client, data: bytes, name: str = "photo.jpg", **parameters: Any) -> Any:
    upload = SimpleUploadedFile("photo.jpg", data, content_type="image/jpeg")
    upload._name = name  # type: ignore[attr-defined]  # as a client writes it, not as Django would
    return client.post("/api/search", {"image": upload, **parameters})


def is_answered(answer: Any) -> bool:
    """A result, or a refusal in words; never a server's error."""
    if answer.status_code == 200:
        return bool(answer.json()["objects"])
    return 400 <= answer.status_code < 500 and bool(answer.json()["code"]) and bool(answer.json()["detail"])


@pytest.mark.parametrize("name", READABLE)
def test_an_odd_picture_simply_works(client: Client, settings: Settings, name: str) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    data = READABLE[name]()
    answer = send(client, data)
    assert answer.status_code == 200, answer.content
    assert QueryImage.objects.get().photo, "it can be kept without its metadata, too"
    assert decode_rgb(data).shape[:2][::-1] == read_photo_size(data)


@pytest.mark.parametrize("name", REFUSED)
def test_what_only_pretends_to_be_a_photo_is_refused_in_words(client: Client, name: str) -> None:
    make, code = REFUSED[name]
    answer = send(client, make())
    assert (400 <= answer.status_code < 500, answer.json()["code"]) == (True, code)
    assert answer.json()["errors"][0]["field"] == "image"
    assert not QueryImage.objects.exists()


def test_files_from_the_web_are_judged_by_the_same_rules(client: Client, settings: Settings) -> None:
    with running_site() as site:
        settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
        settings.SELVEDGE_ALLOWED_PORTS = [site.port]
        for name in ("CMYK JPEG", "16-bit PNG", "animated WebP", "JPEG + HTML"):
            url = site.serve("/odd", READABLE[name](), Content_Type="text/html")
            answer = client.post("/api/search", {"image_url": url}, content_type="application/json")
            assert answer.status_code == 200, (name, answer.content)
        for name in ("nothing", "SVG", "GIF + JavaScript", "half a HEIC", "PNG of 50,000 x 50,000"):
            make, code = REFUSED[name]
            url = site.serve("/bad", make(), Content_Type="image/jpeg")
            answer = client.post("/api/search", {"image_url": url}, content_type="application/json")
            problem = answer.json()
            assert (answer.status_code // 100, problem["code"]) == (4, code), name
            assert problem["errors"][0]["field"] == "image_url"


@pytest.mark.parametrize("name", [*READABLE, *REFUSED])
def test_the_catalogs_intake_answers_as_well(name: str) -> None:
    data = READABLE[name]() if name in READABLE else REFUSED[name][0]()
    try:
        check_header(data)
        stored_as, _ = content_name(data)
    except ImageRefused:
        is_refused = True
    else:
        is_refused = False
        assert stored_as.startswith("catalog/")
        assert stored_as.rpartition(".")[2] in {"jpg", "png", "webp", "heic", "gif"}
    assert not (is_refused and name in READABLE)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with bytes changed, cut out, repeated or moved."""
    data = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 12))):
        start = chance.randrange(len(data)) if chance.random() < 0.5 else chance.randrange(min(200, len(data)))
        match draw(st.sampled_from(["flip", "set", "cut", "repeat", "end"])):
            case "flip":
                data[start] ^= 1 << chance.randrange(8)
            case "set":
                data[start : start + 4] = chance.choice([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0"])
            case "cut":
                del data[start : start + chance.randrange(1, 40)]
            case "repeat":
                data[start:start] = data[start : start + chance.randrange(1, 400)]
            case "end":
                del data[max(start, 1) :]
        data = data or bytearray(b"\0")
    return bytes(data)


@settings(EXAMPLES, max_examples=400)
@given(data=damaged())
def test_a_damaged_file_is_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(PhotoRejected):  # every other exception would be a server's error
        displayed = read_photo_size(data)
        pixels, size = decode_displayed(data, working_side_px=64)
        assert size == displayed
        assert max(pixels.shape[:2]) <= 64 or min(pixels.shape[:2]) == 1


@EXAMPLES
@given(data=st.one_of(damaged(), st.binary(min_size=1, max_size=300)), keeps=st.booleans())
def test_a_damaged_upload_is_answered(client: Client, settings: Settings, data: bytes, keeps: bool) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = keeps
    assert is_answered(send(client, data))


NAMES = [
    "../../etc/passwd",
    "..",
    "/etc/passwd",
    "C:\\windows\\system32\\a.jpg",
    "a\0.jpg",
    "x" * 10_000,
    "",
    ".",
    "photo.php",
    "a.jpg\r\nX-Evil: 1",
    '"; filename="b.jpg',
    "фото‮gpj.exe",
    "%2e%2e%2f",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_files_name_changes_nothing(client: Client, settings: Settings, tmp_path: Path, name: str) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    before = set(tmp_path.rglob("*"))
    answer = client.generic("POST", "/api/search", part(name), MULTIPART)
    assert is_answered(answer)
    written = [path.relative_to(tmp_path) for path in set(tmp_path.rglob("*")) - before if path.is_file()]
    assert all(path.parts[0] == "query_photos" and uuid.UUID(path.stem) for path in written)


def part(name: str, data: bytes = SEEDS["JPEG"], disposition: str = 'form-data; name="image"') -> bytes:
    """A form's body with one file, written by hand."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: {disposition}; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode("utf-8") + data + f"\r\n--{BOUNDARY}--\r\n".encode()


GOOD = part("a.jpg")
FIELD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="limit"\r\n\r\n3\r\n'.encode()
BODIES: dict[str, tuple[bytes, str]] = {
    "no boundary": (GOOD, "multipart/form-data"),
    "another boundary": (GOOD, "multipart/form-data; boundary=other"),
    "an endless boundary": (GOOD, "multipart/form-data; boundary=" + "b" * 5000),
    "a boundary of bad characters": (GOOD, "multipart/form-data; boundary=\xe9\xff"),
    "nothing": (b"", MULTIPART),
    "no end": (GOOD[: len(GOOD) // 2], MULTIPART),
    "no head": (b"\r\n" + SEEDS["JPEG"], MULTIPART),
    "a thousand fields": (FIELD * 1500 + GOOD, MULTIPART),
    "two hundred files": (
        b"".join(part("a.jpg", b"x").removesuffix(f"--{BOUNDARY}--\r\n".encode()) for _ in range(200)) + GOOD,
        MULTIPART,
    ),
    "a head without end": (
        GOOD.replace(b"Content-Type", b"X-Long: " + b"x" * 2_000_000 + b"\r\nContent-Type"),
        MULTIPART,
    ),
    "a file without a name": (part("a.jpg", disposition="form-data"), MULTIPART),
    "an unknown character set": (GOOD, MULTIPART + "; charset=klingon"),
    "UTF-7": (GOOD, MULTIPART + "; charset=utf-7"),
    "base64 that is none": (
        GOOD.replace(b"Content-Type", b"Content-Transfer-Encoding: base64\r\nContent-Type"),
        MULTIPART,
    ),
    "a form in a form": (part("a.jpg", GOOD), MULTIPART),
    "a field that is no text": (FIELD.replace(b"3", b"\xff\xfe\0") + GOOD, MULTIPART),
    "a field of megabytes": (FIELD.replace(b"3", b"3" * 23_000_000) + GOOD, MULTIPART),
    "too much": (part("a.jpg", b"\xff\xd8\xff" + b"x" * 22_000_000), MULTIPART),
    "urlencoded rubbish": (b"image=%FF%00&image_id=%zz&=&&&limit", "application/x-www-form-urlencoded"),
    "thousands of pairs": (b"&".join(b"a%d=1" % number for number in range(5000)), "application/x-www-form-urlencoded"),
    "XML": (b"<image/>", "application/xml"),
    "a photo alone": (SEEDS["JPEG"], "image/jpeg"),
    "no type": (GOOD, ""),
}


TOLERATED = {"an unknown character set", "UTF-7", "a form in a form"}
"""The photo can be read all the same."""


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_is_answered(client: Client, name: str) -> None:
    body, content_type = BODIES[name]
    answer = client.generic("POST", "/api/search", body, content_type)
    assert is_answered(answer)
    assert answer.status_code >= 400 or name in TOLERATED


@pytest.mark.parametrize("announced", ["0", "5", str(len(GOOD) - 100), "-1", "many", "", str(10**30), "1e3"])
def test_a_length_that_lies_is_answered(client: Client, announced: str) -> None:
    answer = client.generic("POST", "/api/search", GOOD, MULTIPART, CONTENT_LENGTH=announced)
    assert is_answered(answer)


TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["nan", "inf", "-inf", "1e999", "-0", "٣", "0x10", "1_000", "true", "[]", "{}", "null", "\0", "٪"]),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
)
PARAMETERS = [
    "limit", "offset", "box", "objects", "min_score", "diversity", "price_min", "price_max", "currency", "in_stock",
    "brand", "gender", "color", "category", "match", "verdict", "retailer", "combine", "facets", "fields",
    "group_variants", "image_url", "image_id", "product_id",
]  # fmt: skip


@EXAMPLES
@given(parameters=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=4))
def test_any_text_as_a_parameter_is_answered(client: Client, parameters: dict[str, str]) -> None:
    assert is_answered(send(client, SEEDS["JPEG"], **parameters))


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), TEXTS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=6,
)


@settings(EXAMPLES, max_examples=150)
@given(parameters=st.dictionaries(st.sampled_from(PARAMETERS), JSON, max_size=4))
def test_any_json_as_a_parameter_is_answered(client: Client, parameters: dict[str, Any]) -> None:
    asked = {"product_id": "J", "retailer": "acme"} | parameters
    answer = client.post("/api/search", asked, content_type="application/json")
    assert answer.status_code == 200 or is_answered(answer)


WEIGH = """
import resource, sys
from segmentation.errors import PhotoRejected
from segmentation.images import decode_displayed
from tests import hostile_files as files
from PIL import Image
def weigh(data):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try: decode_displayed(data, working_side_px=1024)
    except PhotoRejected: pass
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
bombs = [make() for name, (make, _) in files.REFUSED.items() if "PNG" in name or "claimed" in name]
print(max(weigh(data) for data in bombs))
largest = [
    files.saved(Image.new(mode, (10_000, 4_900)), "PNG", compress_level=1) for mode in ("RGBA", "I;16", "P", "LA")
]
print(max(weigh(data) for data in largest))
"""


def test_memory_is_bounded_whatever_a_file_claims(repository: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WEIGH], cwd=repository, capture_output=True, text=True, check=True)
    bombs_mib, largest_mib = map(float, done.stdout.split())
    assert bombs_mib < 300, "what is refused is refused before its pixels are unpacked"
    assert largest_mib < 800, "the largest photo that is taken: 49 megapixels with transparency"
