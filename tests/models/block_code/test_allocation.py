"""Dealing the stream and filling the water: against a bisection, and every place used exactly once."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.models.block_code.allocation import BASE, Allocation, allocate, expected_error


def _some(seed: int, reals: int, n0: float) -> tuple[Allocation, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    variances = torch.randn(4, 12, generator=draws).mul(3).exp()
    classes = torch.randint(0, 3, (2, 20), generator=draws)  # of the fourth there is none
    return allocate(classes, variances, torch.tensor([reals, reals // 2]), torch.full((2,), n0)), variances


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.integers(2, 300), st.floats(1e-4, 100))
def test_every_place_is_used_once_and_power_is_one(seed: int, reals: int, n0: float) -> None:
    allocation, variances = _some(seed, reals, n0)
    places = allocation.places(0, 20)
    power = (allocation.scale.square() * variances)[torch.arange(2)[:, None], allocation.classes]
    for image in range(2):
        wanted = int(allocation.reals[image])
        taken = places[image][places[image] < wanted]
        assert sorted(taken.tolist()) == list(range(min(wanted, 240)))
        mean = power[image][places[image] < wanted].sum().item() / min(wanted, 240)
        assert mean == pytest.approx(1, rel=1e-3)


def test_a_prefix_of_the_stream_is_what_a_smaller_ratio_sends() -> None:
    (large, _), (small, _) = _some(1, 200, 0.1), _some(1, 80, 0.1)
    first, second = large.places(0, 20)[0], small.places(0, 20)[0]
    assert torch.equal(first[first < 80], second[second < 80])


def test_the_base_goes_first_then_strong_coefficients() -> None:
    allocation, variances = _some(2, 240, 0.1)
    places = allocation.places(0, 20)[0]
    assert torch.equal(places[:, :BASE].T.flatten(), torch.arange(20 * BASE))
    order = places[:, BASE:].flatten().argsort()
    assert (variances[allocation.classes[0]][:, BASE:].flatten()[order].diff() <= 0).all()


@pytest.mark.parametrize("n0", [100.0, 1.0, 0.01, 0.0])
def test_powers_are_those_of_water_filling(n0: float) -> None:
    """Against a bisection on the multiplier: p = max(0, sqrt(v N0 / nu) - N0), mean power 1."""
    allocation, variances = _some(3, 150, n0)
    places, classes = allocation.places(0, 20)[0], allocation.classes[0]
    variance = variances[classes][places < 150].double()
    ours = (allocation.scale[0][classes].square() * variances[classes])[places < 150].double()
    low, high = 1e-15, 1e15
    for _ in range(300):
        level = math.sqrt(low * high)
        power = (level * variance.sqrt() - n0).clamp_min(0)
        low, high = (level, high) if power.sum() < 150 else (low, level)
    assert ours.tolist() == pytest.approx(power.tolist(), rel=1e-3, abs=1e-4)


def test_expected_error_is_that_of_many_transmissions() -> None:
    allocation, variances = _some(4, 100, 0.3)
    draws = torch.Generator().manual_seed(0)
    spread = variances.sqrt()[allocation.classes]
    source = spread * torch.randn(2, 20, 12, generator=draws)
    energy = torch.stack(
        [
            torch.stack([source[image][allocation.classes[image] == kind].square().sum(0) for kind in range(4)])
            for image in range(2)
        ]
    )
    sent = allocation.places(0, 20) < allocation.reals[:, None, None]
    scale = allocation.scale[torch.arange(2)[:, None], allocation.classes] * sent
    latent = source * scale
    gain = (allocation.reals / latent.square().sum((1, 2))).sqrt()[:, None, None]
    error = 0.0
    for _ in range(300):
        observed = gain * latent + 0.3**0.5 * torch.randn(latent.shape, generator=draws) * sent
        estimate = observed / gain * spread.square() * scale / (spread.square() * scale.square() + 0.3)
        error = error + (estimate - source).square().sum((1, 2)) / 300
    ours = expected_error(allocation, energy, variances, torch.full((2,), 0.3))
    # A class's last coefficient sent by some of its blocks only counts as if all of them were alike.
    assert ours.tolist() == pytest.approx(error.tolist(), rel=0.03)
