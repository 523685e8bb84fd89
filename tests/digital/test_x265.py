"""x265 inside PyAV: encoders that run side by side give what each gives alone."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("av")

from deepjscc.digital.codecs import x265
from deepjscc.threads import side_by_side


def test_encoders_at_fractions_of_a_qp_leave_the_others_alone() -> None:
    """A fraction changes tables of the whole process: whoever codes meanwhile or afterwards must not notice."""
    ramp = np.add.outer(np.arange(64), 3 * np.arange(96)) % 256
    plane = (ramp + np.random.default_rng(0).integers(0, 30, ramp.shape)).clip(0, 255).astype(np.uint8)
    encode = partial(x265.encode_planes, [plane] * 3, chroma_offset=0, preset="slow", chroma_444=True)
    qps = [30.0, 30.25, 34.0, 30.0, 33.75, 34.0]
    alone = [encode(qp) for qp in qps]
    assert alone[0] != alone[1]
    assert alone[0] == alone[3]
    assert list(side_by_side(*[partial(encode, qp) for qp in qps])) == alone
