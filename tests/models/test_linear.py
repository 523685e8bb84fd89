"""The closed-form code: against theory, its invariants, and every size and ratio."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models.block_code.allocation import allocate
from deepjscc.models.block_code.header import Header, MeanColour, header_rate
from deepjscc.models.linear import Linear
from deepjscc.precision import computed_in
from deepjscc.symbols import mean_power
from deepjscc.systems import Link
from deepjscc.types import LinkPlan
from deepjscc.zoo import load


@pytest.fixture(scope="module")
def linear() -> Linear:
    return load("linear")  # type: ignore[return-value]


def _send(model: Linear, images: torch.Tensor, snr_db: float, ratio: float, seed: int = 0) -> float:
    draws = torch.Generator().manual_seed(seed)
    link = Link(model, AWGN(), bandwidth_ratio=ratio)
    sent = link.transmit(images, torch.full((len(images),), snr_db), generator=draws)
    return psnr(images, sent.images).mean().item()


def test_the_gain_is_known_exactly_where_it_matters(linear: Linear, coffee: torch.Tensor) -> None:
    """A gain known to half a step of the header's limits PSNR to some 55 dB, less or more with every contrast."""
    crop = coffee[None, :, 60:156, 60:156].float() / 255
    link, snr_db, found = Link(linear, AWGN(), bandwidth_ratio=1 / 2), torch.tensor([34.0]), []
    for contrast in (1.0, 0.997, 0.994, 0.991):
        image = 0.5 + contrast * (crop - 0.5)
        sent = link.transmit(image, snr_db, generator=torch.Generator().manual_seed(0))
        found.append(-10 * (sent.images - image).square().mean().log10().item())
    assert max(found) - min(found) < 0.15
    power = mean_power(linear.encode(crop, LinkPlan(torch.tensor([34.0]), 1 / 2)).symbols).item()
    assert 2 ** (-1 / 32) - 1e-4 < power < 1 + 1e-4


def test_basis_is_orthonormal(linear: Linear) -> None:
    identity = linear.basis.T @ linear.basis
    assert (identity - torch.eye(768)).abs().max() < 1e-3
    assert linear.deviation.min() > 0


def test_error_on_gaussian_blocks_is_the_theory(draws: torch.Generator) -> None:
    """On a source that is what the code believes, the error is sum of v N0 / (p + N0) and of what is not sent."""
    model = Linear(block=4, classes=1)
    model.deviation.copy_(0.05 * torch.linspace(1, 0.05, 48).expand(2, -1))
    blocks = 0.5 + torch.randn(1, 40_000, 48, generator=draws) * model.deviation[0]
    images = model.transform.from_blocks(blocks, 200)
    reals = 2 * (model.uses((800, 800), 1 / 6) - Header.USES)
    allocation = allocate(
        torch.zeros(1, 40_000).long(), model.variances, torch.tensor([reals]), torch.tensor([10**-0.5])
    )
    share = (reals / 40_000 - torch.arange(48)).clamp(0, 1)
    variance, power = model.variances[0], allocation.scale[0, 0].square() * model.variances[0]
    theory = (share * variance * 10**-0.5 / (power + 10**-0.5) + (1 - share) * variance).sum()
    sent = Link(model, AWGN(), bandwidth_ratio=1 / 6).transmit(images, torch.tensor([5.0]), generator=draws)
    # Compare before clipping matters: values lie well inside [0, 1].
    assert (sent.images - images).square().mean().item() == pytest.approx(theory.item() / 48, rel=0.02)


def test_the_map_pays_at_high_snr_only(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(coffee)
    parts = {snr: linear.encode(images, LinkPlan(torch.tensor([snr]), 1 / 8)).digital[0] for snr in (-10.0, 10.0)}
    assert [len(parts[snr]) for snr in (-10.0, 10.0)] == [1, 2]


def test_a_map_beats_none(linear: Linear, coffee: torch.Tensor) -> None:
    """The same picture with all blocks of the average class, by a link on which no map would last."""
    images, snr = to_float(coffee), torch.tensor([15.0])
    quality = []
    for margin_db in (6.0, 45.0):
        sent = linear.encode(images, LinkPlan(snr, 1 / 8, margin_db))
        received = replace(
            equalise(AWGN()(sent.symbols, snr, generator=torch.Generator().manual_seed(0)), None), counts=sent.counts
        )
        arrived = tuple(tuple(part.data for part in parts) for parts in sent.digital)
        decoded = linear.decode(replace(received, digital=arrived), (images.shape[2], images.shape[3]))
        quality.append(psnr(images, decoded).item())
    assert quality[0] > quality[1] + 1


def test_all_coefficients_without_noise_give_the_picture_back(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(coffee[:, :160, :160])
    assert _send(linear, images, math.inf, 0.5) > 40


def test_more_snr_and_more_uses_are_better(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(coffee)
    by_snr = [_send(linear, images, snr, 1 / 8) for snr in (-10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 40.0)]
    by_ratio = [_send(linear, images, 10.0, ratio) for ratio in (1 / 96, 1 / 48, 1 / 24, 1 / 12, 1 / 6, 1 / 2)]
    assert by_snr == sorted(by_snr)
    assert by_ratio == sorted(by_ratio)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.floats(1 / 96, 1 / 2), st.floats(-30, 60))
def test_any_size_and_ratio(height: int, width: int, ratio: float, snr_db: float) -> None:
    model = load("linear")
    images = torch.rand(2, 3, height, width)
    draws = torch.Generator().manual_seed(0)
    link = Link(model, AWGN(), bandwidth_ratio=ratio)
    sent_db = torch.full((2,), snr_db)
    sent = link.transmit(images, sent_db, generator=draws)
    assert sent.images.shape == images.shape
    assert sent.images.isfinite().all()
    assert 0 <= sent.images.min() <= sent.images.max() <= 1
    everything = 3 * -(-height // 16) * -(-width // 16) * 128
    granted = math.floor(3 * height * width * ratio + 1e-6)
    header = math.ceil(24 / header_rate(granted, min(snr_db - 6, 0.0)))
    encoded = model.encode(images, LinkPlan(sent_db, ratio))
    whole = header + min(max(granted - header, 1), everything)
    means = [MeanColour.unpack(parts[0].data) is not None for parts in encoded.digital]
    assert sent.channel_uses.tolist() == [header + 1 if mean else whole for mean in means]


def test_power_is_one_per_image_and_strangers_do_not_meet(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(torch.stack([coffee[:, :64, :64], coffee[:, 200:264, 300:364] // 4]))
    together = linear.encode(images, LinkPlan(torch.tensor([0.0, 15.0]), 1 / 8))
    for row, count in zip(together.symbols, together.counts, strict=True):
        assert mean_power(row[None, :count]).item() == pytest.approx(1, rel=1e-4)
        assert not row[count:].any()
    alone = linear.encode(images[1:], LinkPlan(torch.tensor([15.0]), 1 / 8))
    assert alone.counts == together.counts[1:]
    assert torch.allclose(alone.symbols[0], together.symbols[1, : alone.counts[0]], atol=1e-5)
    assert alone.digital[0] == together.digital[1]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_images(linear: Linear, value: float) -> None:
    images = torch.full((1, 3, 40, 40), value)
    assert _send(linear, images, 10.0, 1 / 8) > 20
    own = linear.mean.mean().expand(1, 3, 32, 32)  # nearly nothing to send
    assert linear.encode(own, LinkPlan(torch.tensor([10.0]))).symbols.isfinite().all()


def test_an_image_of_nothing_sends_nothing() -> None:
    model = Linear(block=4)
    sent = model.encode(torch.full((1, 3, 32, 32), 0.5), LinkPlan(torch.tensor([10.0])))
    assert torch.equal(sent.symbols, torch.zeros_like(sent.symbols))
    decoded = Link(model, AWGN()).transmit(torch.full((1, 3, 32, 32), 0.5), torch.tensor([math.inf])).images
    assert torch.allclose(decoded, torch.full_like(decoded, 0.5))


def test_lost_side_information_degrades_gracefully(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(coffee)
    below, above = (_send(linear, images, snr, 1 / 8) for snr in (-10.5, -10.3))  # ideal code of rate 1/8: -10.4 dB
    assert above - below < 2.5
    assert below > 15


def test_fading_with_csi_uses_the_noise_variance_of_each_symbol(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(coffee)
    results = {}
    for csi in ("none", "receiver"):
        link = Link(linear, Rayleigh("symbol", csi), bandwidth_ratio=1 / 8)
        draws = torch.Generator().manual_seed(0)
        results[csi] = psnr(images, link.transmit(images, torch.tensor([10.0]), generator=draws).images).item()
    assert results["receiver"] > 22 > results["none"]


def test_mismatch_is_worse_than_the_truth_but_no_cliff(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(coffee)
    link = Link(linear, AWGN(), bandwidth_ratio=1 / 8)

    def believing(snr_db: float) -> float:
        draws = torch.Generator().manual_seed(0)
        sent = link.transmit(images, torch.tensor([0.0]), encoder_snr_db=torch.tensor([snr_db]), generator=draws)
        return psnr(images, sent.images).item()

    assert believing(0.0) > believing(20.0) > believing(0.0) - 4


def test_ratios_that_cannot_be_are_refused(linear: Linear) -> None:
    for ratio in (-0.1, 0.0, math.nan, math.inf):
        with pytest.raises(UsageError, match="ratio"):
            linear.encode(torch.rand(1, 3, 32, 32), LinkPlan(torch.tensor([0.0]), ratio))


def test_a_ratio_out_of_reach_is_the_nearest(linear: Linear) -> None:
    """All coefficients make ratio 1/2; beyond there is nothing to send."""
    sent = linear.encode(torch.rand(1, 3, 32, 48), LinkPlan(torch.tensor([0.0]), 2.0))
    assert sent.uses() == (3 * 32 * 48 // 2 + 192,)


def test_without_the_map_a_coarse_picture_is_left(linear: Linear, coffee: torch.Tensor) -> None:
    """Made for 10 dB, received at 2 dB and at -5 dB: the map arrives at the first and not at the second."""
    images = to_float(coffee)
    quality = []
    for snr_db in (2.0, -5.0):
        link, draws = Link(linear, AWGN(), bandwidth_ratio=1 / 8), torch.Generator().manual_seed(0)
        sent = link.transmit(images, torch.tensor([snr_db]), encoder_snr_db=torch.tensor([10.0]), generator=draws)
        quality.append(psnr(images, sent.images).item())
    assert quality[0] > quality[1] > 17  # the mean colour alone: 12.7


def test_a_lost_header_takes_the_map_with_it(linear: Linear, coffee: torch.Tensor) -> None:
    """Made for 20 dB with a map; all side information lost: the base is still read, not a stream in the wrong order."""
    images, snr = to_float(coffee), torch.tensor([20.0])
    sent = linear.encode(images, LinkPlan(snr, 1 / 8))
    assert len(sent.digital[0]) == 2
    received = replace(equalise(AWGN()(sent.symbols, snr), None), digital=((None, None),))
    assert psnr(images, linear.decode(received, (images.shape[2], images.shape[3]))).item() > 15


def test_damaged_side_information_is_refused_by_name(linear: Linear, coffee: torch.Tensor) -> None:
    images, snr = to_float(coffee), torch.tensor([10.0])
    sent = linear.encode(images, LinkPlan(snr, 1 / 8))
    header, coded = (part.data for part in sent.digital[0])
    received = equalise(AWGN()(sent.symbols, snr), None)
    for damaged in ((header, coded[:-1] + bytes([coded[-1] ^ 1])), (b"123", coded), (header, b"")):
        with pytest.raises(UsageError, match="damaged"):
            linear.decode(replace(received, digital=(damaged,)), (images.shape[2], images.shape[3]))


@pytest.mark.data
def test_kodak_golden(linear: Linear, real_data: object) -> None:
    """Two Kodak pictures under a fixed generator, within 0.01 dB."""
    from deepjscc.data import open_data

    kodak = open_data("kodak")
    values = [_send(linear, to_float(kodak[index]), snr, 1 / 8) for index in (0, 22) for snr in (0.0, 10.0, 20.0)]
    assert values == pytest.approx(GOLDEN, abs=0.01)


GOLDEN = [23.192, 30.073, 35.814, 26.285, 34.287, 41.67]


@pytest.mark.parametrize("ratio", [1 / 12, 1 / 2])
@pytest.mark.parametrize("believed", [-20.0, 0.0, 10.0])
def test_no_noise_where_noise_was_expected(linear: Linear, coffee: torch.Tensor, ratio: float, believed: float) -> None:
    """Coefficients that stay silent for the SNR believed weigh nothing, even where no noise came."""
    images = to_float(coffee)
    link = Link(linear, AWGN(), bandwidth_ratio=ratio)
    sent = link.transmit(images, torch.tensor([math.inf]), encoder_snr_db=torch.tensor([believed]))
    assert psnr(images, sent.images).item() > 13  # the mean colour alone: 12.7


@pytest.mark.parametrize("kind", ["noise", "checkerboard", "black and white"])
def test_pictures_of_more_power_than_photographs(linear: Linear, draws: torch.Generator, kind: str) -> None:
    """Their gain is small; it must fit the header, or the contrast comes out wrong."""
    images = torch.rand(1, 3, 64, 64, generator=draws)
    if kind != "noise":
        images = (images > 0.5).float()
    if kind == "checkerboard":
        images = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float().expand(1, 3, 64, 64).clone()
    sent = linear.encode(images, LinkPlan(torch.tensor([20.0]), 1 / 2))
    header = Header.unpack(sent.digital[0][0].data)
    assert 0 < header.gain_index < 1023
    assert _send(linear, images, 40.0, 1 / 2) > 20


@torch.no_grad()
@pytest.mark.parametrize("name", ["linear", "universal-s"])
def test_the_closed_form_stays_in_full_precision(name: str, coffee: torch.Tensor) -> None:
    """Beyond the range in which networks are used nothing but the closed form is left, and bf16 changes none of it."""
    images, results = to_float(coffee[:, :96, :96]), []
    for precision in ("fp32", "bf16"):
        with computed_in(precision):
            results.append(_send(load(name), images, 40.0, 1 / 2))
    assert results[0] == pytest.approx(results[1], abs=1e-3)
