"""Constellations against closed forms, and their soft bits against mutual information by quadrature."""

import math

import numpy as np
import pytest
import torch

from deepjscc.digital.fine.constellations import QPSK, Constellation, _stored, constellations
from deepjscc.digital.fine.information import bicm_information, binary_snr_db, gray_labels


def points(one: Constellation) -> tuple[np.ndarray, np.ndarray]:
    """Levels and probabilities."""
    weights = np.ones(len(one.levels)) if one.weights is None else np.array(one.weights)
    return np.array(one.levels), weights / weights.sum()


def test_labels_are_those_of_the_standard() -> None:
    """3GPP TS 38.211, sec. 5.1.5: 64-QAM has amplitudes 4 - s1 (2 - s2) for signs s of the bits."""
    for b1, b2 in ((0, 0), (0, 1), (1, 0), (1, 1)):
        amplitude = 4 - (1 - 2 * b1) * (2 - (1 - 2 * b2))
        assert gray_labels(3)[(amplitude - 1) // 2].tolist() == [b1, b2]
    for bits in (2, 3, 4, 5, 6):
        labels = gray_labels(bits)
        assert (np.abs(np.diff(labels, axis=0)).sum(1) == 1).all()
        assert len(np.unique(labels, axis=0)) == 2 ** (bits - 1)


def test_stored_constellations_have_mean_power_one() -> None:
    for (bits, _, _), one in _stored().items():
        levels, chances = points(one)
        assert len(levels) == 2 ** (bits - 1)
        assert (chances * levels**2).sum() == pytest.approx(1, abs=2e-5)
        assert (np.diff(levels) >= 0).all()


def test_information_of_binary_symbols_is_known() -> None:
    """Shannon limits of binary symbols (Es/N0 over a real axis): rates 1/2, 1/3 at Eb/N0 = 0.187, -0.495 dB."""
    assert binary_snr_db(0.5) == pytest.approx(0.187, abs=0.005)
    assert binary_snr_db(1 / 3) == pytest.approx(-0.495 + 10 * math.log10(2 / 3), abs=0.01)


@pytest.mark.parametrize("key", [(2, 6, False), (3, 14, False), (3, 10, True), (4, 20, True)], ids=str)
def test_stored_information_is_that_of_the_constellation(key: tuple[int, int, bool]) -> None:
    one = _stored()[key]
    ends = [
        binary_snr_db(bicm_information(np.array(one.levels), key[1] + half, one.weights)) for half in (-0.5, 0.0, 0.5)
    ]
    assert one.equivalent_snr_db == pytest.approx(ends, abs=2e-4)


@pytest.mark.parametrize("snr_db", [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0])
def test_shaping_beats_uniform_square_constellations(snr_db: float) -> None:
    """By information a use: amplitude entropy less what bits are uncertain of, against equidistant equal levels."""
    best, uniform = 0.0, 0.0
    for one in constellations(snr_db):
        levels, chances = points(one)
        entropy = -(chances * np.log2(chances)).sum()
        lost = one.bits_per_axis * (1 - bicm_information(levels, snr_db, one.weights))
        best = max(best, 2 * (1 + entropy - lost))
        odd = np.arange(1, 2**one.bits_per_axis, 2) / math.sqrt((4**one.bits_per_axis - 1) / 3)
        uniform = max(uniform, 2 * one.bits_per_axis * bicm_information(odd, snr_db))
    capacity = math.log2(1 + 10 ** (snr_db / 10))
    assert uniform - 1e-6 <= best < capacity
    assert snr_db - 10 * math.log10(2**best - 1) < 0.45


@pytest.mark.parametrize(
    ("one", "snr_db"), [(QPSK, 1.0), (_stored()[3, 12, False], 11.0), (_stored()[4, 18, True], 18.0)], ids=str
)
def test_soft_bits_carry_the_information_of_the_quadrature(one: Constellation, snr_db: float) -> None:
    """1 - E log2(1 + exp(-L)) for the right sign of L, by Monte Carlo with the constellation's own probabilities."""
    draws, uses = torch.Generator().manual_seed(0), 40_000
    levels, chances = points(one)
    index = torch.multinomial(torch.from_numpy(chances), 2 * uses, replacement=True, generator=draws)
    labels = torch.from_numpy(gray_labels(one.bits_per_axis))[index].reshape(uses, 2, -1).to(torch.uint8)
    signs = torch.randint(0, 2, (uses, 2, 1), generator=draws, dtype=torch.uint8)
    bits = torch.cat([signs, labels], 2).transpose(1, 2).reshape(1, -1)
    symbols = one.modulate(bits)
    assert symbols.abs().square().mean().item() == pytest.approx(1, abs=0.02)
    n0 = 10 ** (-snr_db / 10)
    noise = math.sqrt(n0) * torch.randn(symbols.shape, dtype=symbols.dtype, generator=draws)
    llr = one.soft_bits(symbols + noise, torch.full(symbols.shape, n0))
    lost = torch.nn.functional.softplus(-(1 - 2 * bits.float()) * llr) / math.log(2)
    assert 1 - lost.mean().item() == pytest.approx(bicm_information(levels, snr_db, one.weights), abs=0.006)


def test_each_symbol_has_its_noise() -> None:
    symbols = torch.full((1, 2), 0.5 + 0.5j)
    llr = QPSK.soft_bits(symbols, torch.tensor([[0.5, 1.0]]))
    # 4 Re(y) a / N0 with amplitude a = 1/sqrt(2).
    assert llr[0].tolist() == pytest.approx([2.828427, 2.828427, 1.414214, 1.414214], rel=1e-5)
