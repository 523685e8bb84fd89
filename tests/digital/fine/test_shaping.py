"""Distribution matching: what goes in comes out, with the distribution asked for."""

import numpy as np
import pytest

from deepjscc.digital.fine.shaping import SIDE_BITS, entropy, matched_bits, scrambler, shape, unshape

WEIGHTS = (40000, 18000, 6000, 1536)
SCRAMBLED = "0000001110100111"  # the first bits, which transmitters and receivers of all versions share


@pytest.mark.parametrize("amplitudes", [300, 5000, 100_000])
@pytest.mark.parametrize("seed", [0, 1])
def test_bits_come_back(amplitudes: int, seed: int) -> None:
    count = matched_bits(amplitudes, WEIGHTS)
    message = np.random.default_rng(seed).integers(0, 2, count).astype(np.uint8)
    indices, side = shape(message, amplitudes, WEIGHTS)
    assert len(indices) == amplitudes
    assert len(side) == SIDE_BITS
    back = unshape(indices, side, WEIGHTS)
    assert back is not None
    assert np.array_equal(back, message)


def test_amplitudes_have_the_distribution_and_nearly_its_entropy() -> None:
    amplitudes = 100_000
    count = matched_bits(amplitudes, WEIGHTS)
    assert 0.99 < count / (amplitudes * entropy(WEIGHTS)[0]) < 1
    indices, _ = shape(np.zeros(count, dtype=np.uint8), amplitudes, WEIGHTS)
    measured = np.bincount(indices, minlength=4) / amplitudes
    chances = np.array(WEIGHTS) / sum(WEIGHTS)
    assert (np.abs(measured - chances) < 5 * np.sqrt(chances / amplitudes)).all()


def test_broken_side_information_is_refused_or_gives_other_bits() -> None:
    count = matched_bits(2000, WEIGHTS)
    message = np.random.default_rng(0).integers(0, 2, count).astype(np.uint8)
    indices, side = shape(message, 2000, WEIGHTS)
    for bit in range(SIDE_BITS):
        broken = side.copy()
        broken[bit] ^= 1
        back = unshape(indices, broken, WEIGHTS)
        assert back is None or len(back) == count
        assert bit >= 20 or back is None or not np.array_equal(back, message)
    assert unshape(indices, np.zeros(SIDE_BITS, dtype=np.uint8), WEIGHTS) is None


def test_few_amplitudes_carry_nothing() -> None:
    assert matched_bits(20, WEIGHTS) == 0


def test_the_scrambler_is_fixed() -> None:
    assert scrambler(16).tolist() == [int(bit) for bit in SCRAMBLED]
    assert not np.array_equal(scrambler(64), scrambler(64, 1))
