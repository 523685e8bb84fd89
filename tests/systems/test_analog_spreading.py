"""Spread analog layers are Gaussian, of the same energy, and come back with the noise that theory gives them."""

import math

import pytest
import torch

from deepjscc.systems.analog_spreading import despread, spread


def laplacian(uses: int, seed: int = 0) -> torch.Tensor:
    """Complex Laplacian coefficients of mean power 1 whose variance falls by 30 dB along the way."""
    uniform = torch.rand(2, uses, generator=torch.Generator().manual_seed(seed)) - 0.5
    reals = -uniform.sign() * torch.log1p(-2 * uniform.abs().clamp_max(0.4999999))
    falling = torch.complex(*reals) * torch.logspace(0, -1.5, uses)
    return falling / falling.abs().square().mean().sqrt()


def gaussian(uses: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(uses, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("uses", [1, 2, 97, 5000])
def test_it_is_unitary_and_comes_back(uses: int) -> None:
    sent = spread(laplacian(uses))
    assert sent.abs().square().sum().item() == pytest.approx(uses, rel=1e-4)
    back, noise = despread(sent, torch.zeros(uses))
    torch.testing.assert_close(back, laplacian(uses), atol=3e-6 * math.sqrt(uses), rtol=1e-4)
    assert not noise.any()
    assert despread(sent[:0], torch.zeros(0))[0].shape == (0,)


def test_spread_symbols_have_the_kurtosis_of_a_gaussian_and_one_power() -> None:
    uses = 60_000

    def kurtosis(symbols: torch.Tensor) -> float:
        return (symbols.abs() ** 4).mean().item() / symbols.abs().square().mean().item() ** 2

    assert kurtosis(laplacian(uses)) > 7
    sent = spread(laplacian(uses))
    assert kurtosis(sent) == pytest.approx(2, abs=0.1)
    assert all(abs(part.abs().square().mean().item() - 1) < 0.06 for part in sent.chunk(10))
    assert spread(torch.ones(uses, dtype=torch.complex64)).abs().max() < 4.5  # no peak of equal symbols: noise has 3.3


def test_equal_noise_stays_as_it_is() -> None:
    symbols, noise = laplacian(5000), torch.full((5000,), 0.3)
    received = spread(symbols) + noise.sqrt() * gaussian(5000)
    back, left = despread(received, noise)
    torch.testing.assert_close(left, noise)
    assert (back - symbols).abs().square().mean().item() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("lost", [1e6, math.inf])
def test_unequal_noise_is_shared_as_theory_says(lost: float) -> None:
    """A fifth of the symbols is lost and a fifth is weak: the error of the estimate is what is announced."""
    uses = 20_000
    noise = torch.full((uses,), 0.1)
    noise[::5], noise[1::5] = lost, 3.0
    draws = torch.where(noise.isinf(), 0.0, noise.sqrt()) * gaussian(uses)
    back, left = despread(spread(laplacian(uses)) + draws, noise)
    weights = torch.tensor([0.0, 1 / 4.0, *3 * [1 / 1.1]])
    assert left[0].item() == pytest.approx((1 / weights.mean() - 1).item(), rel=1e-3)
    assert (back - laplacian(uses)).abs().square().mean().item() == pytest.approx(left[0].item(), rel=0.05)


def test_nothing_received_has_no_weight() -> None:
    back, noise = despread(torch.zeros(8, dtype=torch.complex64), torch.full((8,), math.inf))
    assert torch.isfinite(torch.view_as_real(back)).all()
    assert noise.min() > 1e6
