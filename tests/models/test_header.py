"""The header: it comes back as it went, and damage shows."""

import math

import pytest

from deepjscc.errors import UsageError
from deepjscc.models.header import MAP_RATES, Header, map_index


def test_headers_round_trip() -> None:
    for snr_db in (-100.0, -20.0, -3.4, 0.0, 17.0, 43.0, math.inf):
        for gain in (1e-9, 0.2, 1.0, 3.7, 4000.0, 1e9):
            for index in range(len(MAP_RATES)):
                header = Header.of(snr_db, gain, index)
                assert len(header.pack()) == Header.BYTES
                assert Header.unpack(header.pack()) == header
    assert Header.of(7.4, 1.0).snr_db == 7
    assert Header.of(0.0, 3.7).gain == pytest.approx(3.7, rel=0.006)


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
