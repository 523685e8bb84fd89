"""Fitting the residual code: what it must find in residuals whose statistics are known."""

import math

import pytest
import torch

from deepjscc.data import ImageSet
from deepjscc.errors import UsageError
from deepjscc.training.base_pairs import BasePairs
from deepjscc.training.fit_residual import fit_residual_code

Pairs = list[tuple[torch.Tensor, torch.Tensor]]


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Bases that are flat on the left and textured on the right, where the residual is four times as strong."""
    draws = torch.Generator().manual_seed(0)
    made = []
    for strength in (1.0, 2.0, 4.0):
        textured = torch.arange(128) >= 64
        texture = 20 * torch.randn(3, 64, 128, generator=draws) * textured
        noise = strength * torch.randn(3, 64, 128, generator=draws) * torch.where(textured, 4.0, 1.0)
        base = (128 + texture).round().clamp(0, 255)
        made.append(((base + noise).round().clamp(0, 255).to(torch.uint8), base.to(torch.uint8)))
    return made


def test_classes_tell_texture_from_flat_areas(pairs: Pairs) -> None:
    passes = []
    code = fit_residual_code(pairs, block=8, classes=2, on_progress=lambda done, of: passes.append((done, of)))
    assert passes[-1] == (6, 6)
    left, right = code.classes_of(pairs[0][1], 20).view(8, 16).split(8, 1)
    assert left.unique().tolist() != right.unique().tolist()
    assert len(left.unique()) == len(right.unique()) == 1
    mean = code.log_variance.float().mean(1) / 32
    assert float(mean[right[0, 0]] - mean[left[0, 0]]) == pytest.approx(4, abs=0.2)  # 12 dB, but for rounding to 8 bits


def test_white_residuals_leave_what_theory_says() -> None:
    """With one class of equal variances all reals go at power 1: the error is what the LMMSE of theory leaves."""
    draws = torch.Generator().manual_seed(1)
    base = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    white = [((128 + 5 * torch.randn(3, 64, 64, generator=draws)).round().to(torch.uint8), base) for _ in range(3)]
    code = fit_residual_code(white, block=8, classes=1, groups=1)
    residual = (white[0][0].float() - base.float()) / 255
    statistics = code.describe(residual, base)
    left = code.expected_error(statistics, 3 * 64 * 64 // 2, 1.0) / float(residual.square().mean())
    assert left == pytest.approx(0.5 + 0.5 * 0.5, rel=0.03)


def test_too_few_blocks_are_an_error(pairs: Pairs) -> None:
    with pytest.raises(UsageError, match="too few"):
        fit_residual_code(pairs, block=16, classes=200)


def test_bases_are_coded_at_several_qualities(coffee: torch.Tensor) -> None:
    pytest.importorskip("av")
    crop = coffee[:, 100:148, 200:264].contiguous()
    pairs = BasePairs(ImageSet("crops", ["a", "b"], lambda _: crop))
    assert len(pairs) == 10
    image, worst = pairs[4]
    assert image.equal(crop)
    errors = [float((pairs[index][1].float() - crop.float()).square().mean()) for index in range(5)]
    assert errors == sorted(errors)
    assert worst.shape == crop.shape
    assert 10 * math.log10(errors[-1] / errors[0]) > 10
