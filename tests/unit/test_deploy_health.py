"""Readiness names the cause and what to do about it."""

from __future__ import annotations

import pytest

from deploy import health
from segmentation.checkpoint import SpaceInfo


@pytest.mark.parametrize("url", ["pgvector://user:secret@host/db", "faiss://relative"])
def test_an_index_url_that_is_not_supported_is_named_and_no_rebuilding_advised(settings, monkeypatch, url):
    monkeypatch.setattr(health, "_space", lambda: SpaceInfo("space", 8, "segmenter@0", "embedder@0"))
    settings.VECTOR_INDEX_URL = url
    with pytest.raises(health.NotReadyError, match="VECTOR_INDEX_URL is not supported") as refused:
        health.check_index()
    assert "rebuild" not in str(refused.value)
    assert url not in str(refused.value), "it may hold a password, and anyone may ask"
