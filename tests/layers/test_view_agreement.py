"""Row contrast: high for two views of a scene, near 0 for unrelated pictures, at any level of noise."""

import pytest
import torch
from torch.nn import functional as F

from deepjscc.layers.view_agreement import AgreementGate, row_contrast


def scene(seed: int, rows: int = 96, columns: int = 160) -> torch.Tensor:
    """Texture at several scales, as photographs have it."""
    draws = torch.Generator().manual_seed(seed)
    layers = [torch.rand(1, 3, rows // size, columns // size, generator=draws) for size in (4, 8, 16)]
    return sum(F.interpolate(layer, (rows, columns), mode="bilinear") for layer in layers) / 3


def shifted(seed: int, by: int) -> torch.Tensor:
    wide = scene(seed, 96, 192)
    return torch.cat([wide[..., :128], wide[..., by : 128 + by]])


@pytest.mark.parametrize("by", [0, 7, 24])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_two_views_match_better_in_their_own_rows(by: int, noise: float) -> None:
    pair = shifted(1, by)
    pair = pair + noise * torch.randn(pair.shape, generator=torch.Generator().manual_seed(0))
    assert row_contrast(pair).min() > 0.12


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_unrelated_pictures_match_as_well_in_any_row(noise: float) -> None:
    pair = torch.cat([scene(1), scene(2)])
    pair = pair + noise * torch.randn(pair.shape, generator=torch.Generator().manual_seed(0))
    assert row_contrast(pair).abs().max() < 0.06


def test_pairs_are_judged_one_by_one_and_both_views_alike() -> None:
    both = torch.cat([shifted(1, 7), torch.cat([scene(3)[..., :128], scene(4)[..., :128]])])
    contrast = row_contrast(both)
    torch.testing.assert_close(contrast[:2], row_contrast(both[:2]))
    assert contrast[0] == contrast[1]
    assert contrast[0] > contrast[2] + 0.1


@pytest.mark.parametrize("size", [(16, 16), (33, 70)])
def test_small_odd_and_flat_pictures_have_a_finite_contrast(size: tuple[int, int]) -> None:
    assert row_contrast(torch.rand(2, 3, *size)).isfinite().all()
    assert row_contrast(torch.full((2, 3, *size), 0.5)).abs().max() < 1e-3


def test_an_untrained_gate_is_open_for_two_views_and_closed_for_unrelated_ones() -> None:
    gate, snr_db = AgreementGate(), torch.tensor([-2.0, 12.0])
    assert gate(shifted(1, 7), snr_db).min() > 0.9
    assert gate(torch.cat([scene(1), scene(2)]), snr_db).max() < 0.1


def test_training_reaches_the_gate() -> None:
    gate = AgreementGate()
    gate(shifted(1, 7), torch.tensor([-2.0, 12.0])).sum().backward()
    assert all(weight.grad is not None for weight in gate.parameters())
