"""The share of fine detail: of gratings by frequency, of blur, of scale."""

import math

import pytest
import torch

from deepjscc.metrics.texture import detail_energy_ratio


def grating(cycles: int) -> torch.Tensor:
    wave = 0.5 + 0.25 * torch.cos(2 * math.pi * cycles * torch.arange(64) / 64)
    return wave.expand(1, 3, 64, 64)


def test_only_detail_finer_than_a_quarter_cycle_counts() -> None:
    fine, coarse = grating(24), grating(8)
    assert detail_energy_ratio(fine, coarse).item() < 0.01
    assert detail_energy_ratio(fine, fine + coarse - 0.5).item() == pytest.approx(1, abs=0.02)


def test_half_the_contrast_is_a_quarter_of_the_energy() -> None:
    fine = grating(24)
    assert detail_energy_ratio(fine, 0.5 + (fine - 0.5) / 2).item() == pytest.approx(0.25, abs=0.01)
    assert detail_energy_ratio(fine.mT.contiguous(), 0.5 + (fine.mT - 0.5) / 2).item() == pytest.approx(0.25, abs=0.01)
