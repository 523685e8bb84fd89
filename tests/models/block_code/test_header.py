"""The header: it comes back as it went, and damage shows."""

import math

import pytest
import torch

from deepjscc.errors import UsageError
from deepjscc.models.block_code.header import MAP_RATES, Header, MeanColour, header_rate, map_index


def test_headers_round_trip() -> None:
    for snr_db in (-100.0, -20.0, -3.4, 0.0, 17.0, 43.0, math.inf):
        for gain in (1e-9, 0.2, 1.0, 3.7, 4000.0, 1e9):
            for index in range(len(MAP_RATES)):
                header = Header.of(snr_db, gain, index)
                assert len(header.pack()) == Header.BYTES
                assert Header.unpack(header.pack()) == header
    assert Header.of(7.4, 1.0).snr_db == 7
    assert Header.of(0.0, 3.7).gain == pytest.approx(3.7, rel=0.006)


def test_a_gain_can_be_lowered_to_one_that_a_header_tells() -> None:
    gains = torch.rand(1000, generator=torch.Generator().manual_seed(0)) * 8 + 0.05
    lowered = Header.gain_below(gains)
    assert [Header.of(0.0, gain).gain for gain in lowered.tolist()] == pytest.approx(lowered.tolist(), rel=1e-6)
    assert (lowered / gains).min() > 2 ** (-1 / 64) - 1e-6
    assert (lowered / gains).max() < 1 + 2e-5
    assert Header.gain_below(lowered).tolist() == pytest.approx(lowered.tolist(), rel=1e-6)
    outside = torch.tensor([1e-9, 1e9])
    assert torch.equal(Header.gain_below(outside), outside)


def test_every_single_and_double_error_of_bits_shows() -> None:
    word = int.from_bytes(Header.of(10.0, 1.3, 4).pack(), "big")
    errors = [1 << a | 1 << b for a in range(24) for b in range(24)]
    for error in errors:
        with pytest.raises(UsageError, match="damaged"):
            Header.unpack((word ^ error).to_bytes(3, "big"))
    with pytest.raises(UsageError, match="damaged"):
        Header.unpack(b"12")


def test_the_map_goes_at_a_rate_the_channel_carries() -> None:
    for snr_db in (-30.0, -10.0, -5.0, 0.0, 40.0, math.inf):
        index = map_index(snr_db)
        assert MAP_RATES[index] <= math.log2(1 + 10 ** (min(snr_db, 300) / 10))
        assert index == len(MAP_RATES) - 1 or MAP_RATES[index + 1] > math.log2(1 + 10 ** (snr_db / 10))


def test_mean_colours_round_trip_and_are_no_headers() -> None:
    for colour in ([0.0, 0.5, 1.0], [0.31, 0.32, 0.33], [-1.0, 0.0, 7.0]):
        packed = MeanColour.of(colour).pack()
        back = MeanColour.unpack(packed)
        assert back is not None
        assert back.colour == pytest.approx([min(max(value, 0), 1) for value in colour], abs=1 / 120)
        for error in [0, *(1 << bit for bit in range(24))]:
            with pytest.raises(UsageError, match="damaged"):
                Header.unpack((int.from_bytes(packed, "big") ^ error).to_bytes(3, "big"))
    header = int.from_bytes(Header.of(10.0, 1.3, 4).pack(), "big")
    for error in [0, *(1 << bit for bit in range(24))]:
        assert MeanColour.unpack((header ^ error).to_bytes(3, "big")) is None


def test_headers_of_small_budgets_go_as_fast_as_they_last() -> None:
    assert header_rate(10_000, 20.0) == header_rate(100, -30.0) == 1 / 8
    assert header_rate(100, 0.0) == 1
    assert header_rate(100, -6.0) == 1 / 4
