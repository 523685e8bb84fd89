"""The receiver's own estimate of its error: against Gaussian coefficients of known powers, and against pictures."""

import math

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models.block_code.calibration import GROUPS, ErrorCalibration, group_of_coefficients, sum_groups
from deepjscc.models.block_code.estimated_error import ErrorEstimate
from deepjscc.systems import Link
from deepjscc.zoo import load


@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.0])
def test_powers_that_differ_from_the_tables_show_in_what_is_received(ratio: float, draws: torch.Generator) -> None:
    """r times the variance of the tables: the LMMSE receiver of the tables leaves r v t^2 + v q t^2."""
    shape, half = (1, 900, 768), 384
    variance, scale, noise = torch.full(shape, 0.5), torch.full(shape, 1.5), torch.full(shape, 0.4)
    noise[..., half:] = torch.inf
    coefficients = torch.randn(shape, generator=draws) * (ratio * variance).sqrt()
    received = scale * coefficients + noise.nan_to_num(posinf=0).sqrt() * torch.randn(shape, generator=draws)
    observed = torch.where(noise.isfinite(), received, 0)
    error = variance / (1 + variance * scale.square() / noise)
    left = (coefficients - observed * error * scale / noise.clamp_max(1e30)).square()
    estimate = ErrorEstimate(1, 2)
    for blocks in (slice(0, 500), slice(500, 900)):
        kinds = torch.ones(1, blocks.stop - blocks.start, dtype=torch.long)
        estimate.add(observed[:, blocks], noise[:, blocks], scale[:, blocks], variance[:, blocks], kinds)
    sent, silent = estimate.by_group(torch.tensor([2.0]), 900 * 768)
    assert sent.sum().item() == pytest.approx(left[..., :half].sum().item() / 4 / left.numel(), rel=0.02)
    assert silent.sum().item() == pytest.approx(left[..., half:].sum().item() / 4 / left.numel(), rel=0.02)


def test_groups_hold_every_coefficient_once() -> None:
    assert torch.bincount(group_of_coefficients(768), minlength=GROUPS).tolist() == [5, 11, 32, 80, 172, 468]
    assert sum_groups(torch.ones(2, 768)).sum(1).tolist() == [768, 768]
    assert torch.bincount(group_of_coefficients(48), minlength=GROUPS).tolist() == [5, 11, 32, 0, 0, 0]


def test_a_calibration_of_ones_changes_nothing_and_factors_scale() -> None:
    sent, silent = torch.full((GROUPS,), 1e-4), torch.full((GROUPS,), 2e-4)
    assert ErrorCalibration().mse(sent, silent, 10.0, 1 / 8) == pytest.approx(GROUPS * 3e-4)
    halved = ErrorCalibration(sent=(0.5,) * GROUPS, silent=(0.5,) * GROUPS)
    assert halved.mse(sent, silent, 10.0, 1 / 8) == pytest.approx(GROUPS * 1.5e-4)
    assert halved.mse(sent, silent, 10.0, 1 / 8, weight=0.0) == pytest.approx(GROUPS * 3e-4)
    tilted = ErrorCalibration(estimate=(10.0, *(0.0,) * 8))
    assert tilted.corrected(1e-3, 0.0, 1 / 4, 1.0) == pytest.approx(1e-2)


@pytest.mark.parametrize(("snr_db", "ratio"), [(5.0, 1 / 6), (10.0, 1 / 24), (10.0, 1 / 6), (15.0, 1 / 6)])
def test_the_receiver_knows_about_how_good_its_picture_is(coffee: torch.Tensor, snr_db: float, ratio: float) -> None:
    images, snr = to_float(coffee), torch.tensor([snr_db])
    for name in ("linear", "universal-s"):
        link = Link(load(name), AWGN(), bandwidth_ratio=ratio)
        sent = link.transmit(images, snr, generator=torch.Generator().manual_seed(0))
        (estimated_db,) = sent.estimated_psnr_db
        assert estimated_db == pytest.approx(psnr(images, sent.images).item(), abs=0.9)


def test_a_fade_shows_in_the_estimate(coffee: torch.Tensor) -> None:
    images, snr = to_float(coffee[:, :192, :192]), torch.full((6,), 12.0)
    batch = images.expand(6, -1, -1, -1)
    link = Link(load("linear"), Rayleigh(), bandwidth_ratio=1 / 6)
    sent = link.transmit(batch, snr, generator=torch.Generator().manual_seed(3))
    measured = psnr(batch, sent.images).tolist()
    assert max(measured) - min(measured) > 3
    for estimated_db, measured_db in zip(sent.estimated_psnr_db, measured, strict=True):
        assert estimated_db == pytest.approx(measured_db, abs=1.2)


def test_no_estimate_where_nothing_says_how_good_it_is(coffee: torch.Tensor) -> None:
    grey = torch.full((1, 3, 32, 32), 0.3)
    tiny = Link(load("linear"), AWGN(), bandwidth_ratio=1 / 96).transmit(grey, torch.tensor([0.0]))
    assert tiny.estimated_psnr_db == (None,)  # sent as its mean colour
    cnn = Link(load("cnn-c16-awgn-10db"), AWGN()).transmit(to_float(coffee[:, :32, :32]), torch.tensor([10.0]))
    assert cnn.estimated_psnr_db == (None,)
    assert math.isfinite(cnn.images.sum().item())
