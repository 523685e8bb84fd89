"""`universal`: for any size and link. What it has in common with other codes around `linear` is in test_branched."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.equaliser import equalise
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models import BlockCode, Universal
from deepjscc.symbols import mean_power
from deepjscc.systems import Link
from deepjscc.types import LinkPlan
from deepjscc.zoo import load

EXTREME_DB = [-math.inf, -300.0, -20.0, 0.0, 60.0, math.inf]


@pytest.fixture
def fresh() -> Universal:
    """As it begins: the linear code of the zoo inside."""
    model = Universal(width=8, encoder_depth=1, decoder_depth=1, clean_width=4)
    model.load_state_dict(load("linear").state_dict(), strict=False)
    return model.eval()


@pytest.fixture
def stirred(fresh: Universal) -> Universal:
    """With networks that say something everywhere."""
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in fresh.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=draws))
    return fresh


def _link(model: BlockCode, ratio: float = 1 / 8) -> Link:
    return Link(model, AWGN(), bandwidth_ratio=ratio)


def test_the_network_hears_the_same_of_the_link_in_every_strip(
    stirred: Universal, coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flat half and a textured one: what is said of the picture as a whole must not be of the strip."""
    images, snr = to_float(coffee), torch.tensor([20.0])
    images[:, :, :200] = 0.5
    told: list[torch.Tensor] = []
    stirred.decoder.register_forward_pre_hook(lambda _, given: told.append(given[1]))
    sent = stirred.encode(images, LinkPlan(snr, 1 / 8))
    received = replace(
        equalise(AWGN()(sent.symbols, snr), None), digital=tuple(tuple(p.data for p in own) for own in sent.digital)
    )
    stirred.decode(received, (images.shape[2], images.shape[3]))
    monkeypatch.setattr("deepjscc.models.block_code.tiling.STRIP_PIXELS", 3 * 16 * images.shape[3])
    monkeypatch.setattr("deepjscc.models.block_code.tiling.HALOS", 0)
    stirred.decode(received, (images.shape[2], images.shape[3]))
    assert len(told) > 5
    assert all(torch.equal(each, told[0]) for each in told)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.floats(1 / 96, 1.0),
    st.sampled_from([-math.inf, -300.0, -20.0, 0.0, 60.0, math.inf]),
)
def test_any_size_ratio_and_snr(height: int, width: int, ratio: float, snr_db: float) -> None:
    model = Universal(width=8, encoder_depth=1, decoder_depth=1, clean_width=4)
    model.load_state_dict(load("linear").state_dict(), strict=False)
    images = torch.rand(2, 3, height, width)
    sent = _link(model, ratio).transmit(images, torch.full((2,), snr_db))
    assert sent.images.shape == images.shape
    assert sent.images.isfinite().all()


def test_power_is_one_and_strangers_do_not_meet(stirred: Universal, coffee: torch.Tensor) -> None:
    images = to_float(torch.stack([coffee[:, :64, :64], coffee[:, 200:264, 300:364] // 4]))
    together = stirred.encode(images, LinkPlan(torch.tensor([0.0, 15.0]), 1 / 8))
    for row, count in zip(together.symbols, together.counts, strict=True):
        assert mean_power(row[None, :count]).item() == pytest.approx(1, rel=1e-4)
    alone = stirred.encode(images[1:], LinkPlan(torch.tensor([15.0]), 1 / 8))
    assert torch.allclose(alone.symbols[0], together.symbols[1, : alone.counts[0]], atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_images_and_nothing_to_send(stirred: Universal, value: float) -> None:
    images = torch.full((1, 3, 40, 40), value)
    assert _link(stirred).transmit(images, torch.tensor([10.0])).images.isfinite().all()


def test_symbols_that_did_not_come_are_told_by_their_noise(fresh: Universal, coffee: torch.Tensor) -> None:
    """The first half of the stream alone: what a receiver has that stopped listening."""
    images, snr = to_float(coffee), torch.tensor([10.0])
    sent = fresh.encode(images, LinkPlan(snr, 1 / 8))
    received = equalise(AWGN()(sent.symbols, snr, generator=torch.Generator().manual_seed(0)), None)
    received = replace(received, digital=tuple(tuple(part.data for part in parts) for parts in sent.digital))
    arrived = torch.arange(sent.symbols.shape[1]) < sent.symbols.shape[1] // 2
    size = (images.shape[2], images.shape[3])
    results = []
    for noise in (received.noise_variance, received.noise_variance.masked_fill(~arrived, torch.inf)):
        symbols = received.symbols.where(arrived, torch.zeros(()))
        decoded = fresh.decode(replace(received, symbols=symbols, noise_variance=noise), size)
        results.append(psnr(images, decoded).item())
    whole = psnr(images, fresh.decode(received, size)).item()
    assert whole > results[1] + 0.5 > 20
    assert results[1] >= results[0]


def test_fast_fading_with_csi_is_better_than_its_worst_symbols(fresh: Universal, coffee: torch.Tensor) -> None:
    images, snr = to_float(coffee), torch.tensor([10.0])
    quality = {}
    for csi in ("none", "receiver"):
        link = Link(fresh, Rayleigh("symbol", csi), bandwidth_ratio=1 / 8)  # type: ignore[arg-type]
        quality[csi] = psnr(images, link.transmit(images, snr, generator=torch.Generator().manual_seed(0)).images)
    assert quality["receiver"] > 22 > quality["none"]


def test_sizes_are_within_their_limits() -> None:
    small = sum(weight.numel() for weight in Universal().parameters())
    medium = Universal(width=192, encoder_depth=4, decoder_depth=8, clean_width=32)
    assert small <= 3_000_000
    assert sum(weight.numel() for weight in medium.parameters()) <= 12_000_000


def test_a_better_channel_than_planned_for_makes_the_picture_better(coffee: torch.Tensor) -> None:
    images = to_float(coffee)
    quality = []
    for snr_db in (3.0, 7.0, 10.0, 15.0, 20.0, 60.0):
        link, draws = Link(load("universal-s"), AWGN(), bandwidth_ratio=1 / 12), torch.Generator().manual_seed(0)
        sent = link.transmit(images, torch.tensor([snr_db]), encoder_snr_db=torch.tensor([3.0]), generator=draws)
        quality.append(psnr(images, sent.images).item())
    assert quality == sorted(quality)
    assert quality[-1] > quality[0] + 2
