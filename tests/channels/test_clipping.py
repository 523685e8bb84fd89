"""Clipping against Bussgang's theorem: the gain and distortion of Gaussian symbols, and what the receiver is told."""

import math

import pytest
import torch

from deepjscc.channels import Clipped
from deepjscc.errors import UsageError
from deepjscc.symbols import normalise_power

QUIET = torch.tensor([200.0, 200.0])


def _symbols(draws: torch.Generator, uses: int = 20_000) -> torch.Tensor:
    return normalise_power(torch.randn(2, uses, dtype=torch.complex64, generator=draws))


def test_far_below_the_limit_nothing_happens(draws: torch.Generator) -> None:
    symbols = _symbols(draws)
    assert (Clipped(40.0)(symbols, QUIET).symbols - symbols).abs().max() < 5e-3  # what the pulse's length leaves


@pytest.mark.parametrize("papr_db", [3.0, 5.0])
def test_gain_is_that_of_a_soft_limiter(papr_db: float, draws: torch.Generator) -> None:
    """Of a complex Gaussian cut at A: 1 - exp(-A^2) + sqrt(pi) A erfc(A) / 2 (Ochiai and Imai 2002, eq. 8)."""
    symbols, level = _symbols(draws), 10 ** (papr_db / 20)
    passed = Clipped(papr_db).clip(symbols)
    gain = (passed * symbols.conj()).real.mean().item()
    assert gain == pytest.approx(
        1 - math.exp(-(level**2)) + math.sqrt(math.pi) * level * math.erfc(level) / 2, abs=0.005
    )


def test_distortion_is_what_the_gain_leaves(draws: torch.Generator) -> None:
    """y = a z + d + n: by Bussgang's theorem d is uncorrelated with z, and the powers of d and n add up."""
    symbols = _symbols(draws)
    output = Clipped(4.0)(symbols, torch.tensor([0.0, 15.0]), generator=draws)
    left = output.symbols - output.clipping_gain[:, None] * symbols
    expected = output.distortion_variance + torch.tensor([1.0, 10**-1.5])
    assert left.abs().square().mean(1).tolist() == pytest.approx(expected.tolist(), rel=0.03)
    assert output.noise_variance[:, 0].tolist() == pytest.approx([1.0, 10**-1.5])
    assert (left * symbols.conj()).mean(1).abs().max() < 0.02


def test_images_in_a_batch_are_strangers_and_gradients_flow(draws: torch.Generator) -> None:
    symbols = _symbols(draws, 500).requires_grad_()
    channel = Clipped(4.0)
    together, alone = channel(symbols, QUIET).symbols[:1], channel(symbols[:1], QUIET[:1]).symbols
    assert (together - alone).abs().max() < 1e-4
    together.abs().square().sum().backward()
    assert symbols.grad is not None
    assert symbols.grad.isfinite().all()
    assert symbols.grad[0].abs().max() > 0
    assert symbols.grad[1].abs().max() == 0


@pytest.mark.parametrize("wrong", [{"papr_db": 0.0}, {"papr_db": math.nan}, {"roll_off": 0.0}, {"roll_off": 2.0}])
def test_limits_that_are_none(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Clipped(**wrong)
