"""The schemes are the standard's, and blocks add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepjscc.digital.schemes import BLOCK_BITS, PAPERS, SETS, STANDARD, scheme, split_into_blocks


def test_the_table_is_that_of_the_standard() -> None:
    """Against Sionna's own copy of table 5.1.3.1-2."""
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    from sionna.phy.nr.utils import decode_mcs_index

    for index, one in enumerate(STANDARD):
        order, rate = decode_mcs_index(index, table_index=2, is_pusch=False)
        assert (one.bits_per_symbol, one.rate_1024 / 1024) == (int(order), pytest.approx(float(rate)))
    assert [one.efficiency for one in STANDARD] == sorted(one.efficiency for one in STANDARD)


def test_names_tell_schemes_apart() -> None:
    everything = [*STANDARD, *PAPERS]
    assert len({one.name for one in everything}) == len(everything)
    assert all(scheme(one.name) == one for one in everything)
    assert scheme("5qam-1") is None
    assert set(SETS) == {"ldpc", "ldpc-papers"}


@given(st.integers(0, 10**6))
def test_blocks_fill_what_there_is(coded_bits: int) -> None:
    blocks = split_into_blocks(coded_bits)
    assert 0 <= coded_bits - sum(blocks) < BLOCK_BITS[-1]
    assert blocks == sorted(blocks, reverse=True)
