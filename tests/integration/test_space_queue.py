"""One vision worker, without Django and database, describes in whatever space a message names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segmentation.checkpoint import SHIPPED_SEGMENTER
from tests.integration.services import process
from tests.pretend_models import renamed_embedder
from tests.search_shop import packshot
from workers import model_files
from workers.model_files import CheckpointPair, configured_pair

pytestmark = pytest.mark.services

DESCRIBE = """
import sys
from segmentation.types import EncodedPhoto
from workers import client
photo = EncodedPhoto(open(sys.argv[1], "rb").read())
for space in sys.argv[2:]:
    try:
        (seen,) = client.describe_photos([photo], space=space, timeout_s=200)
        print(space, seen.whole_image.embedding.tobytes().hex())
    except client.WorkersError as error:
        print(space, type(error).__name__)
"""
VISION = [sys.executable, "-m", "celery", "-A", "workers.celery", "worker", "-Q", "vision", "-P", "solo", "-l", "INFO"]


def test_a_vision_worker_finds_the_checkpoints_of_two_spaces_and_tells_of_a_third(
    redis_url: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELVEDGE_MODELS_DIR", str(tmp_path / "models"))
    shadow = model_files.keep_pair(CheckpointPair(SHIPPED_SEGMENTER, renamed_embedder(tmp_path / "e.safetensors"))).name
    configured = configured_pair().space().name
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(packshot(1))
    # A database of its own in the session's Redis: no other worker listens there.
    environment = os.environ | {"CELERY_BROKER_URL": redis_url.removesuffix("/0") + "/8"}
    client = [sys.executable, "-c", DESCRIBE, str(photo), configured, shadow, "nobody-emb8@00000000"]
    with process(VISION, tmp_path / "vision.log", env=environment, cwd=repository):
        done = subprocess.run(client, cwd=repository, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = dict(line.split() for line in done.stdout.splitlines())
    assert answers[configured] == answers[shadow], "the same weights under two names"
    assert len(answers[configured]) > 100
    assert answers["nobody-emb8@00000000"] == "ModelMissing"
