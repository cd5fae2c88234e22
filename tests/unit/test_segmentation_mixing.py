"""One vector a garment out of several looks at it."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.config import EmbedderConfig
from segmentation.mixing import mix_looks

CUT_OUT, BOXED, WHOLE = np.eye(3, 4, dtype=np.float32)


def test_without_weights_the_garment_cut_out_is_the_vector_bit_for_bit() -> None:
    vector = np.float32([0.6, 0.8, 0, 0])
    assert mix_looks(vector[None], WHOLE, EmbedderConfig()).tobytes() == vector.tobytes()


def test_looks_count_by_their_weights_and_the_length_stays_one() -> None:
    config = EmbedderConfig(box_weight=0.5, context_weight=0.25)
    mixed = mix_looks(np.stack([CUT_OUT, BOXED]), WHOLE, config)
    assert np.linalg.norm(mixed) == pytest.approx(1, abs=1e-6)
    assert (mixed / mixed[0]).tolist() == pytest.approx([1, 0.5, 0.25, 0])
    assert mixed.dtype == np.float32


def test_looks_that_cancel_out_leave_the_garment_cut_out() -> None:
    mixed = mix_looks(CUT_OUT[None], -CUT_OUT, EmbedderConfig(context_weight=1.0))
    assert mixed.tolist() == CUT_OUT.tolist()
