"""The plan of a link: what the transmitter believes of the channel, and the margin that follows."""

import torch

from deepjscc.channels import AWGN, Rayleigh
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
