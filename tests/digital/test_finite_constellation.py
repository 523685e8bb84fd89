"""Rounding to a constellation costs the noise that theory says, hard and by bits, and gradients pass."""

import math

import numpy as np
import pytest
import torch

from deepjscc.digital.finite_constellation import ORDERS, FiniteConstellation, parse_constellation
from deepjscc.errors import UsageError

USES = 100_000


def gaussian(uses: int = USES, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, uses, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def power(symbols: torch.Tensor) -> float:
    return symbols.abs().square().mean().item()


@pytest.mark.parametrize("lloyd_max", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_points_are_few_of_mean_power_one_and_cost_what_is_announced(order: int, lloyd_max: bool) -> None:
    constellation, sent = FiniteConstellation(order, lloyd_max), gaussian()
    rounded = constellation.round(sent)
    assert len(torch.view_as_real(rounded)[..., 0].unique()) <= math.isqrt(order)
    assert power(rounded) == pytest.approx(1, abs=0.01)
    noise = 0.1
    received = rounded + math.sqrt(noise) * gaussian(seed=1)
    error = constellation.restore(received) - sent
    announced = constellation.noise_variance(torch.tensor(noise)).item()
    assert power(error) == pytest.approx(announced, rel=0.02)
    assert abs((error * sent.conj()).mean().item()) < 0.01  # uncorrelated: it is noise
    snr_db = constellation.effective_snr_db(torch.tensor([10.0]))
    assert snr_db.item() == pytest.approx(-10 * math.log10(announced), abs=1e-4)


@pytest.mark.parametrize("name", ["256qam", "4096qam-lloyd"])
def test_points_have_the_indices_that_they_were_made_of(name: str) -> None:
    constellation = parse_constellation(name)
    indices = constellation.indices(gaussian(1000))
    assert (constellation.indices_of_points(constellation.points(indices)) == indices).all()


@pytest.mark.parametrize("lloyd_max", [False, True])
def test_soft_gradients_are_near_one_within_and_zero_far_outside(lloyd_max: bool) -> None:
    constellation = FiniteConstellation(64, lloyd_max)
    sent = gaussian(5000).requires_grad_()
    rounded = constellation.round(sent, soft=True)
    assert (rounded.detach() - constellation.round(sent.detach())).abs().max() < 1e-5
    rounded.real.sum().backward()
    within = sent.grad.real[sent.detach().real.abs() < 1]
    assert within.mean().item() == pytest.approx(1, abs=0.15)
    assert within.min() > 0
    far = torch.full((1, 1), 6 + 0j, requires_grad=True)
    constellation.round(far, soft=True).real.sum().backward()
    assert abs(far.grad.real.item()) < 0.05


@pytest.mark.parametrize("error_rate", [0.0, 0.001, 0.05])
def test_symbols_come_back_from_flipped_bits_with_the_noise_announced(error_rate: float) -> None:
    constellation, sent = FiniteConstellation(256), gaussian()
    bits = constellation.to_bits(constellation.indices(sent))
    assert len(bits) == 8 * USES
    flips = np.random.default_rng(0).random(len(bits)) < error_rate
    back, noise = constellation.from_bits(bits ^ flips, error_rate)
    assert power(back - sent) == pytest.approx(noise, rel=0.02)
    worse = constellation.from_bits(bits, 0.1)[1]
    assert noise < worse


def test_bits_are_natural_binary_i_before_q() -> None:
    bits = FiniteConstellation(64).to_bits(torch.tensor([[[6, 1], [0, 7]]]))
    assert bits.tolist() == [1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1]


def test_what_did_not_arrive_has_infinite_noise_and_no_noise_leaves_that_of_rounding() -> None:
    constellation = FiniteConstellation(16)
    noise = constellation.noise_variance(torch.tensor([math.inf, 0.0]))
    assert noise[0].isinf()
    assert noise[1].item() == pytest.approx(1 / constellation.correlation - 1)
    assert constellation.effective_snr_db(torch.tensor([math.inf])).item() == pytest.approx(8.70, abs=0.02)


def test_names() -> None:
    assert parse_constellation("64qam") == FiniteConstellation(64)
    assert parse_constellation("4096qam-lloyd").name == "4096qam-lloyd"
    for text, told in (("4qam", "too small"), ("32qam", "no 32qam"), ("qam", "not a constellation")):
        with pytest.raises(UsageError, match=told):
            parse_constellation(text)
