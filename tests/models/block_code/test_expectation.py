"""What a block code expects of an image, against transmissions of it."""

import math

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.images import to_float
from deepjscc.models.block_code.estimated_error import ROUNDING
from deepjscc.systems import Link
from deepjscc.types import LinkPlan
from deepjscc.zoo import load


@pytest.mark.parametrize(("snr_db", "ratio"), [(0.0, 1 / 6), (10.0, 1 / 48), (10.0, 1 / 8), (20.0, 1 / 4)])
def test_the_expected_error_is_that_of_transmissions(coffee: torch.Tensor, snr_db: float, ratio: float) -> None:
    """Over whole blocks, of which padding is no part, and at a contrast that is not clipped to [0, 1]."""
    images, snr = 0.25 + 0.5 * to_float(coffee[:, :, :592]), torch.tensor([snr_db])
    link = Link(load("linear"), AWGN(), bandwidth_ratio=ratio)
    sent = link.transmit(images, snr, generator=torch.Generator().manual_seed(0))
    expected = link.transmitter.expect_error(images, link.plan((400, 592), snr))(ratio)
    measured = (sent.images - images).square().mean().item() + ROUNDING
    assert 10 * math.log10(expected / measured) == pytest.approx(0, abs=0.1)


def test_the_expected_error_falls_with_the_ratio_until_all_is_sent(coffee: torch.Tensor) -> None:
    images = to_float(coffee[:, :160, :160])
    error = load("linear").expect_error(images, LinkPlan(torch.tensor([10.0])))
    errors = [error(ratio) for ratio in (1 / 96, 1 / 24, 1 / 8, 1 / 3, 0.51, 0.8)]
    assert errors[:-1] == sorted(errors[:-1], reverse=True)
    assert errors[-1] == pytest.approx(errors[-2], rel=0.01)


def test_without_noise_nothing_is_left_but_rounding(coffee: torch.Tensor) -> None:
    images = to_float(coffee[:, :64, :64])
    error = load("linear").expect_error(images, LinkPlan(torch.tensor([torch.inf])))
    assert error(0.51) == pytest.approx(1 / 12 / 255**2, rel=0.5)
