"""The layout of a hybrid transmission: its header, and which share of the power the analog layer gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepjscc.errors import UsageError
from deepjscc.systems.hybrid_plan import HIGHEST_DB, LOWEST_DB, SHARES, HybridHeader, choose_share, snr_index


@given(st.integers(0, 15), st.integers(0, 255), st.integers(0, 15))
def test_headers_come_back(share: int, snr: int, coarse: int) -> None:
    header = HybridHeader(share, snr, coarse)
    assert HybridHeader.unpack(header.pack()) == header


@given(st.integers(0, 23), st.integers(0, 255))
def test_a_damaged_header_is_refused(bit: int, snr: int) -> None:
    data = int.from_bytes(HybridHeader(2, snr, 3).pack(), "big") ^ 1 << bit
    with pytest.raises(UsageError, match="damaged"):
        HybridHeader.unpack(data.to_bytes(3, "big"))


def test_zeros_are_no_header() -> None:
    for data in (bytes(3), b"", bytes(4)):
        with pytest.raises(UsageError, match="damaged"):
            HybridHeader.unpack(data)


def test_the_design_snr_is_rounded_down_and_clamped() -> None:
    for snr_db, known in ((10.0, 10.0), (10.2, 10.0), (-5.0, -5.0), (-99.0, LOWEST_DB), (99.0, HIGHEST_DB)):
        assert HybridHeader(0, snr_index(snr_db), 0).design_snr_db == known


def test_the_strongest_analog_layer_that_is_worth_its_cost_is_taken() -> None:
    def flat(share: float, snr_db: float) -> float:
        """It costs nothing and gains nothing."""
        return 1.0

    def steady(share: float, snr_db: float) -> float:
        """It costs 0.043 dB a hundredth of share and gains half a decibel 3 dB above: 0.15 dB may be spent."""
        return (1 + share) * 10 ** (-(snr_db - 10) / 60)

    assert choose_share(flat, 10.0) == len(SHARES) - 1
    assert choose_share(steady, 10.0) == SHARES.index(0.03)  # it costs 0.13 dB, and five hundredths 0.21 dB
    assert choose_share(lambda share, snr_db: 1 + 10 * share, 10.0) == 0
    assert choose_share(lambda share, snr_db: 0.5 if share == 0.05 else 1.0, 10.0) == SHARES.index(0.05)
    assert choose_share(lambda share, snr_db: None, 10.0) is None
    assert choose_share(lambda share, snr_db: None if share > 0.1 else 1.0, 10.0) == SHARES.index(0.1)


def test_a_cost_has_a_bound_whatever_is_gained() -> None:
    assert choose_share(lambda share, snr_db: (1 + share) * 10 ** (10 - snr_db), 10.0) == SHARES.index(0.07)


def test_a_share_that_is_asked_for_is_taken() -> None:
    assert choose_share(lambda share, snr_db: 1.0, 10.0, 0.19) == SHARES.index(0.2)
    assert choose_share(lambda share, snr_db: None, 10.0, 0.2) is None
