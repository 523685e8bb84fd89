"""Bytes of a hybrid's base: what is packed comes back, and what a base tells of its error."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepjscc.errors import UsageError
from deepjscc.systems.hybrid_payload import Base


@given(st.binary(min_size=1, max_size=50), st.binary(max_size=40), st.integers(0, 1023), st.integers(0, 63))
def test_bases_come_back(stream: bytes, side_info: bytes, gain_index: int, error_index: int) -> None:
    base = Base(stream, side_info, gain_index, error_index)
    assert Base.unpack(base.pack() + bytes(7)) == base


@pytest.mark.parametrize("psnr_db", [22.34, 38.0, 61.07])
def test_a_base_alone_tells_its_error(psnr_db: float) -> None:
    base = Base.unpack(Base.alone(b"stream", 10 ** (-psnr_db / 10)).pack())
    assert -10 * math.log10(base.mse) == pytest.approx(psnr_db, abs=0.051)
    assert math.isnan(Base(b"stream").mse)


@pytest.mark.parametrize(("ratio_db", "told_db"), [(0.0, 0.0), (1.23, 1.2), (-0.44, -0.4), (-9.0, -1.0), (9.0, 5.3)])
def test_a_base_tells_what_posterior_variances_miss(ratio_db: float, told_db: float) -> None:
    base = Base.unpack(Base.with_analog(b"stream", b"levels", 384, 10 ** (ratio_db / 10)).pack())
    assert 10 * math.log10(base.error_ratio) == pytest.approx(told_db, abs=1e-6)
    assert base.gain == 1.0


def test_a_base_that_is_shorter_than_it_says_is_refused() -> None:
    with pytest.raises(UsageError, match="shorter than it says"):
        Base.unpack(Base(b"stream").pack()[:-1])
