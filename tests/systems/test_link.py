"""The plan of a link: what the transmitter believes of the channel, and the margin that follows."""

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.systems.link import Link, combined_offsets_db
from deepjscc.types import MARGIN_DB
from deepjscc.zoo import load

SNR = torch.tensor([10.0])


def test_a_range_and_fading_are_both_believed() -> None:
    model, fading = load("linear"), Rayleigh("image")
    assert Link(model, AWGN()).plan((8, 8), SNR).snr_offsets_db == (0.0,)
    assert Link(model, AWGN(), snr_offsets_db=(-6.0, 0.0, 6.0)).plan((8, 8), SNR).snr_offsets_db == (-6.0, 0.0, 6.0)
    fades = Link(model, fading).plan((8, 8), SNR).snr_offsets_db
    both = Link(model, fading, snr_offsets_db=(-6.0, 6.0)).plan((8, 8), SNR).snr_offsets_db
    assert len(both) == len(fades)
    assert max(both) > max(fades) + 4


def test_side_information_survives_at_the_lower_end_of_the_range() -> None:
    plan = Link(load("linear"), AWGN(), snr_offsets_db=(-6.0, 0.0, 6.0)).plan((8, 8), SNR)
    assert plan.margin_db == MARGIN_DB + 6
    assert Link(load("linear"), AWGN()).plan((8, 8), SNR).margin_db == MARGIN_DB


def test_sums_of_independent_offsets_keep_their_quantiles() -> None:
    generator = torch.Generator().manual_seed(0)
    fades = torch.randn(101, generator=generator).sort().values
    found = torch.tensor(combined_offsets_db(tuple(fades.tolist()), (-3.0, 0.0, 3.0)))
    every = torch.cat([fades - 3, fades, fades + 3])
    levels = torch.tensor([0.1, 0.5, 0.9])
    assert torch.allclose(found.quantile(levels), every.quantile(levels), atol=0.1)


def test_one_snr_is_that_of_all_images() -> None:
    link, images = Link(load("linear"), AWGN()), torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    sent = [
        link.transmit(images, snr_db, generator=torch.Generator().manual_seed(1)).images
        for snr_db in (torch.tensor([10.0, 10.0]), 10.0, torch.tensor(10.0))
    ]
    assert torch.equal(sent[0], sent[1])
    assert torch.equal(sent[0], sent[2])
    with pytest.raises(UsageError, match="one for each: 2 of them, not 3"):
        link.transmit(images, torch.zeros(3))


def test_a_ratio_that_cannot_be_used_is_not_clipped_in_silence() -> None:
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with pytest.warns(DeepJSCCWarning, match="grants 11059 channel uses, and this transmitter can use only 6336"):
        Link(load("linear"), AWGN(), bandwidth_ratio=0.9).transmit(images, 10.0)
