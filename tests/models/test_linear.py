"""The closed-form code: against theory, its invariants, and every size and ratio."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models.linear import Header, Layout, Linear
from deepjscc.symbols import mean_power
from deepjscc.systems import Link
from deepjscc.training.fit import fit_linear
from deepjscc.zoo import load


@pytest.fixture(scope="module")
def linear() -> Linear:
    return load("linear")  # type: ignore[return-value]


def _send(model: Linear, images: torch.Tensor, snr_db: float, ratio: float, seed: int = 0) -> float:
    draws = torch.Generator().manual_seed(seed)
    link = Link(model, AWGN(), bandwidth_ratio=ratio)
    sent = link.transmit(images, torch.full((len(images),), snr_db), generator=draws)
    return psnr(images, sent.images).mean().item()


def test_basis_is_orthonormal(linear: Linear) -> None:
    identity = linear.basis.T @ linear.basis
    assert (identity - torch.eye(768)).abs().max() < 1e-3
    assert (linear.deviation.diff() <= 0).all()
    assert linear.deviation.min() > 0


def test_powers_are_those_of_water_filling(linear: Linear) -> None:
    """Against a bisection on the multiplier: p = max(0, sqrt(v N0 / nu) - N0), mean power 1."""
    layout = Layout(96, 192, 40)
    share, variance = layout.share().double(), linear.deviation[:193].double().square()
    for snr_db in (-20.0, -5.0, 0.0, 10.0, 30.0):
        n0 = 10 ** (-snr_db / 10)
        low, high = 1e-15, 1e9
        for _ in range(200):
            nu = math.sqrt(low * high)
            power = ((variance * n0 / nu).sqrt() - n0).clamp_min(0)
            low, high = (nu, high) if (share * power).sum() > share.sum() else (low, nu)
        ours = (linear.allocate(layout, snr_db).double() ** 2) * variance
        assert ours.tolist() == pytest.approx(power.tolist(), rel=1e-3, abs=1e-4)


def test_error_on_gaussian_blocks_is_the_theory(draws: torch.Generator) -> None:
    """On a source that is what the code believes, the error is sum of v N0 / (p + N0) and of what is not sent."""
    model = Linear(block=4)
    model.deviation.copy_(0.05 * torch.linspace(1, 0.05, 48))
    blocks = 0.5 + torch.randn(40_000, 48, generator=draws) * model.deviation
    images = model.from_blocks(blocks, (800, 800))[None]
    layout = model.layout((800, 800), 1 / 6)
    scales = model.allocate(layout, 5.0)
    variance, n0 = model.deviation.square(), 10**-0.5
    active, share = variance[: layout.kept], layout.share()
    silent = variance.sum() - (share * active).sum()
    theory = (share * active * n0 / (scales.square() * active + n0)).sum() + silent
    sent = Link(model, AWGN(), bandwidth_ratio=1 / 6).transmit(images, torch.tensor([5.0]), generator=draws)
    # Compare before clipping matters: values lie well inside [0, 1].
    assert (sent.images - images).square().mean().item() == pytest.approx(theory.item() / 48, rel=0.02)


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
    sent = link.transmit(images, torch.full((2,), snr_db), generator=draws)
    assert sent.images.shape == images.shape
    assert sent.images.isfinite().all()
    assert 0 <= sent.images.min() <= sent.images.max() <= 1
    assert sent.channel_uses.tolist() == [max(math.floor(3 * height * width * ratio + 1e-6), 129)] * 2


def test_power_is_one_per_image_and_strangers_do_not_meet(linear: Linear, coffee: torch.Tensor) -> None:
    images = to_float(torch.stack([coffee[:, :64, :64], coffee[:, 200:264, 300:364] // 4]))
    together = linear.encode(images, torch.tensor([0.0, 15.0]), bandwidth_ratio=1 / 8)
    assert mean_power(together.symbols).tolist() == pytest.approx([1, 1], rel=1e-4)
    alone = linear.encode(images[1:], torch.tensor([15.0]), bandwidth_ratio=1 / 8)
    assert torch.allclose(alone.symbols[0], together.symbols[1], atol=1e-5)
    assert alone.side_info[0] == together.side_info[1]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_images(linear: Linear, value: float) -> None:
    images = torch.full((1, 3, 40, 40), value)
    assert _send(linear, images, 10.0, 1 / 8) > 20
    own = linear.mean.mean().expand(1, 3, 32, 32)  # nearly nothing to send
    assert linear.encode(own, torch.tensor([10.0])).symbols.isfinite().all()


def test_an_image_of_nothing_sends_nothing() -> None:
    model = Linear(block=4)
    sent = model.encode(torch.full((1, 3, 32, 32), 0.5), torch.tensor([10.0]))
    assert torch.equal(sent.symbols, torch.zeros_like(sent.symbols))
    decoded = Link(model, AWGN()).transmit(torch.full((1, 3, 32, 32), 0.5), torch.tensor([math.inf])).images
    assert torch.allclose(decoded, torch.full_like(decoded, 0.5))


def test_headers_round_trip() -> None:
    for snr_db in (-100.0, -20.0, -3.4, 0.0, 17.0, 43.0, math.inf):
        for gain in (1e-9, 0.2, 1.0, 3.7, 4000.0, 1e9):
            header = Header.of(snr_db, gain)
            assert len(header.pack()) == 2
            assert Header.unpack(header.pack()) == header
    assert Header.of(7.4, 1.0).snr_db == 7
    assert Header.of(0.0, 3.7).gain == pytest.approx(3.7, rel=0.006)
    with pytest.raises(UsageError):
        Header.unpack(b"123")


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
    for ratio in (0.51, 2.0, -0.1, math.nan, math.inf):
        with pytest.raises(UsageError, match="ratio"):
            linear.encode(torch.rand(1, 3, 32, 32), torch.tensor([0.0]), bandwidth_ratio=ratio)


def test_fit_learns_the_klt(draws: torch.Generator) -> None:
    """Images whose blocks have one known direction: it must come out first, and the variance with it."""
    pattern = torch.ones(3, 4, 4)
    amount = torch.randn(16, 16, generator=draws) * 0.05
    image = 0.5 + torch.kron(amount, torch.ones(4, 4)).expand(3, 64, 64)
    model = fit_linear([(image * 255).round().byte()], block=4)
    first = model.basis[:, 0].reshape(3, 4, 4)
    assert first.abs().flatten().tolist() == pytest.approx([pattern.norm().item() ** -1] * 48, rel=0.01)
    assert model.deviation[0].item() == pytest.approx(amount.std(correction=0).item() * 48**0.5, rel=0.02)
    assert model.deviation[1] < 0.01


@pytest.mark.data
def test_kodak_golden(linear: Linear, real_data: object) -> None:
    """Two Kodak pictures under a fixed generator, within 0.01 dB."""
    from deepjscc.data import open_data

    kodak = open_data("kodak")
    values = [_send(linear, to_float(kodak[index]), snr, 1 / 8) for index in (0, 22) for snr in (0.0, 10.0, 20.0)]
    assert values == pytest.approx(GOLDEN, abs=0.01)


GOLDEN = [22.638, 29.138, 34.184, 25.015, 32.2, 38.587]


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
    sent = linear.encode(images, torch.tensor([20.0]), bandwidth_ratio=1 / 2)
    header = Header.unpack(sent.side_info[0])
    latent_power = (
        linear.project(
            linear.to_blocks(images[0]),
            linear.allocate(linear.layout((64, 64), 1 / 2), 20.0),
            linear.layout((64, 64), 1 / 2),
        )
        .square()
        .mean()
    )
    assert header.gain == pytest.approx(latent_power.item() ** -0.5, rel=0.006)
