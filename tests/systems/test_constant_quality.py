"""The search for the smallest bandwidth ratio that reaches a PSNR: against closed forms, and what systems then send."""

import math

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.systems import Link
from deepjscc.systems.constant_quality import ExpectedQuality, ExpectsError
from deepjscc.systems.names import make_system
from deepjscc.types import Encoded, ErrorOverRatio, Images, LinkPlan

SNR = torch.tensor([10.0])


class OneOverUses:
    """A transmitter whose error is 1 / (n · ratio) from 20 channel uses on."""

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        raise NotImplementedError  # no transmission is tried

    def expect_error(self, image: Images, plan: LinkPlan) -> ErrorOverRatio:
        def error(bandwidth_ratio: float) -> float | None:
            self.asked += 1
            uses = bandwidth_ratio * image.numel()
            return 1 / uses if uses > 19.5 else None

        return error


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    from deepjscc.data.samples import sample_path
    from deepjscc.images import read_image

    return to_float(read_image(sample_path("coffee"))[:, 60:252, 150:406])


@pytest.mark.parametrize("target_db", [5.0, 20.0, 30.0, 33.0])
def test_the_smallest_number_of_uses_is_found(target_db: float) -> None:
    transmitter, image = OneOverUses(), torch.zeros(1, 3, 32, 32)
    quality = ExpectedQuality(Link(transmitter, AWGN()), image, SNR)
    choice = quality.smallest_ratio(target_db)
    wanted = max(20, math.ceil(10 ** (target_db / 10) - 1e-9))
    assert choice.bandwidth_ratio * image.numel() == pytest.approx(wanted, rel=0.003, abs=0.001)
    assert choice.psnr_db >= target_db
    assert choice.psnr_db == pytest.approx(10 * math.log10(wanted), abs=0.02)
    assert transmitter.asked < 20


def test_a_wish_that_no_ratio_reaches_is_told_the_best() -> None:
    quality = ExpectedQuality(Link(OneOverUses(), AWGN()), torch.zeros(1, 3, 32, 32), SNR)
    with pytest.raises(UsageError, match=r"no bandwidth ratio reaches 40 dB at this SNR; the best is 34\.9 dB"):
        quality.smallest_ratio(40.0)


@pytest.mark.parametrize(
    "name", ["linear", "universal-s", "jpeg2000+ideal", "jpeg2000+ldpc-fine", "jpeg2000+ideal+hybrid"]
)
def test_what_is_sent_at_the_chosen_ratio_has_the_psnr(images: torch.Tensor, name: str) -> None:
    link = make_system(name, AWGN(), bandwidth_ratio=1.0).system
    assert isinstance(link.transmitter, ExpectsError)  # type: ignore[attr-defined]
    choice = ExpectedQuality(link, images, SNR).smallest_ratio(33.0)
    sent = link.with_ratio(choice.bandwidth_ratio).transmit(images, SNR, generator=torch.Generator().manual_seed(1))
    assert 33 <= choice.psnr_db < 33.05
    # The calibration of networks is right on average: a small crop may differ by more than 0.3 dB.
    assert psnr(images, sent.images).item() == pytest.approx(33.0, abs=0.9 if name == "universal-s" else 0.3)
    assert sent.bandwidth_ratio.item() == pytest.approx(choice.bandwidth_ratio, rel=0.01)


def test_systems_and_channels_without_an_expectation_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="cannot tell what quality to expect"):
        ExpectedQuality(make_system("cnn-c16-awgn-10db", AWGN()).system, images, SNR)
    with pytest.raises(UsageError, match="no calibration of what these weights of adaptive_linear make"):
        ExpectedQuality(make_system("adaptive-linear", AWGN()).system, images, SNR)
    with pytest.raises(UsageError, match="no fading"):
        ExpectedQuality(make_system("linear", Rayleigh()).system, images, SNR)
    with pytest.raises(UsageError, match="no range of SNRs"):
        ExpectedQuality(make_system("linear", AWGN(), snr_spread_db=3.0).system, images, SNR)
