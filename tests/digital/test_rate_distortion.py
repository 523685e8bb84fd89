"""Reverse water-filling against the conditions it must meet, and a picture's spectrum against its variance."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepjscc.digital.rate_distortion import gaussian_mse, gaussian_spectrum


@given(st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=20), st.floats(0.0, 100.0))
def test_the_water_level_spends_exactly_the_bits(variances: list[float], bits: float) -> None:
    spectrum = torch.tensor(variances).double()
    error = gaussian_mse(spectrum, bits) * len(variances)
    low, high = 1e-80, max(variances)  # an oracle: bisection of the level by the error it leaves
    for _ in range(600):
        level = (low * high) ** 0.5
        low, high = (level, high) if spectrum.clamp_max(level).sum() < error else (low, level)
    spent = (spectrum / spectrum.clamp_max(high)).log2().sum().item() / 2
    assert spent == pytest.approx(bits, abs=1e-3)


def test_the_spectrum_holds_the_variance_of_the_blocks(coffee: torch.Tensor) -> None:
    spectrum = gaussian_spectrum(coffee)
    assert spectrum.shape == (192,)
    values = coffee.double() / 255
    means = values.unflatten(1, (50, 8)).unflatten(3, (75, 8)).mean((1, 3), keepdim=True)
    variance = (values.unflatten(1, (50, 8)).unflatten(3, (75, 8)) - means).square().mean()
    assert spectrum.mean().item() == pytest.approx(variance.item(), rel=1e-3)
