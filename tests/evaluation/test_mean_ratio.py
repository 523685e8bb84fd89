"""The PSNR that all images reach at a mean ratio: against closed forms, and in a sweep."""

from pathlib import Path

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.errors import UsageError
from deepjscc.evaluation.mean_ratio import common_psnr_db
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.images import write_image
from deepjscc.systems import Link
from deepjscc.systems.constant_quality import ExpectedQuality
from deepjscc.types import Encoded, ErrorOverRatio, Images, LinkPlan


class Exponential:
    """A transmitter whose PSNR grows by 6 dB an octave of the ratio, from 30 dB at ratio 1/8 of a grey of 0."""

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        raise NotImplementedError

    def expect_error(self, image: Images, plan: LinkPlan) -> ErrorOverRatio:
        harder = float(image.mean())
        return lambda ratio: 1e-3 * (8 * ratio) ** -2 * 4**harder


@pytest.mark.parametrize("mean_ratio", [1 / 8, 1 / 40, 1 / 3])
def test_images_whose_ratios_are_known_in_closed_form(mean_ratio: float) -> None:
    """At a PSNR of 30 + d dB an image of difficulty h takes 2^(d / 6.02 + h) / 8."""
    link, snr = Link(Exponential(), AWGN()), torch.tensor([10.0])
    images = [ExpectedQuality(link, torch.full((1, 3, 64, 64), h), snr) for h in (0.0, 1.0)]
    found = common_psnr_db(images, mean_ratio)
    assert 2 ** ((found - 30) / 6.0206) * (1 + 2) / 2 / 8 == pytest.approx(mean_ratio, rel=0.02)


def test_a_sweep_meets_the_mean_ratio(coffee: torch.Tensor, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_image(coffee[:, :128, :128], folder / "a.png")
    write_image(coffee[:, 160:288, 200:328], folder / "b.png")
    plan = Plan(("linear", "webp+ideal"), str(folder), (10.0,), mean_ratio=1 / 8)
    table = sweep(plan, tmp_path / "t.parquet")
    for (_,), rows in table.group_by(["system"]):
        assert rows["bandwidth_ratio"].mean() == pytest.approx(1 / 8, rel=0.02)
        assert rows["bandwidth_ratio"].n_unique() == 2
        assert rows["target_psnr_db"].n_unique() == 1
        assert (rows["psnr_db"] - rows["target_psnr_db"]).abs().max() < 0.6
    with pytest.raises(UsageError, match="too small for some"):
        sweep(Plan(("jpeg2000+ideal",), str(folder), (10.0,), mean_ratio=1e-4), tmp_path / "t.parquet")
