"""Channels against theory: noise variance, gain moments, measured SNR, capacity, gradients."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import expn
from scipy.stats import poisson

from deepjscc.channels import AWGN, CHANNELS, Channel, Rayleigh, Rician, make_channel
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError
from deepjscc.symbols import mean_power, normalise_power

MANY = 200_000
EVERY = [
    AWGN(),
    *[
        kind(coherence=c, csi=i)
        for kind in (Rayleigh, Rician)
        for c in ("image", "symbol")
        for i in ("none", "receiver")
    ],
]


def _label(channel: Channel) -> str:
    return f"{type(channel).__name__}-{channel.coherence}-{channel.csi}"


def _symbols(batch: int, uses: int, draws: torch.Generator) -> torch.Tensor:
    return normalise_power(torch.randn(batch, uses, dtype=torch.complex64, generator=draws))


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_built_by_name(name: str) -> None:
    assert isinstance(make_channel(name), Channel)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 20.0])
@pytest.mark.parametrize("channel", EVERY, ids=_label)
def test_snr_measured_from_symbols_and_noise(channel: Channel, snr_db: float, draws: torch.Generator) -> None:
    """Signal power over noise power before any gain: within 0.05 dB, so a factor of two (3 dB) is caught."""
    symbols = _symbols(1, MANY, draws)
    gain = channel.draw_gain(1, MANY, draws)
    output = channel(symbols, torch.tensor([snr_db]), gain=gain, generator=draws)
    noise = output.symbols - (1 if gain is None else gain) * symbols
    measured = 10 * torch.log10(mean_power(symbols) / mean_power(noise))
    assert measured.item() == pytest.approx(snr_db, abs=0.05)
    # N0/2 per real part, the parts uncorrelated.
    n0 = 10 ** (-snr_db / 10)
    assert output.noise_variance.unique().tolist() == pytest.approx([n0])
    assert noise.real.var().item() == pytest.approx(n0 / 2, rel=0.02)
    assert noise.imag.var().item() == pytest.approx(n0 / 2, rel=0.02)
    assert (noise.real * noise.imag).mean().item() == pytest.approx(0, abs=0.01 * n0)


def test_awgn_without_noise_is_a_wire(draws: torch.Generator) -> None:
    symbols = _symbols(2, 16, draws)
    received = AWGN()(symbols, torch.tensor([math.inf, math.inf]), generator=draws)
    assert torch.equal(received.symbols, symbols)
    assert (received.noise_variance == 0).all()


@pytest.mark.parametrize("coherence", ["image", "symbol"])
def test_rayleigh_moments(coherence: str, draws: torch.Generator) -> None:
    channel = Rayleigh(coherence=coherence)
    gain = channel.draw_gain(MANY, 1, draws) if coherence == "image" else channel.draw_gain(1, MANY, draws)
    power = gain.abs().square()
    assert power.mean().item() == pytest.approx(1, rel=0.02)
    assert power.square().mean().item() == pytest.approx(2, rel=0.04)  # |h|^2 is exponential
    assert gain.mean().abs().item() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("k_factor_db", [-10.0, 0.0, 6.0, 20.0])
def test_rician_moments(k_factor_db: float, draws: torch.Generator) -> None:
    power = Rician(k_factor_db=k_factor_db).draw_gain(MANY, 1, draws).abs().square()
    k = 10 ** (k_factor_db / 10)
    assert power.mean().item() == pytest.approx(1, rel=0.02)
    assert power.var().item() == pytest.approx((2 * k + 1) / (k + 1) ** 2, rel=0.04)


def test_coherence_is_per_image_or_per_symbol(draws: torch.Generator) -> None:
    assert Rayleigh("image").draw_gain(4, 9, draws).shape == (4, 1)
    assert Rayleigh("symbol").draw_gain(4, 9, draws).shape == (4, 9)


@pytest.mark.parametrize("channel", EVERY, ids=_label)
def test_gradients(channel: Channel, draws: torch.Generator) -> None:
    symbols = torch.randn(2, 3, dtype=torch.complex128, requires_grad=True)
    gain = channel.draw_gain(2, 3, draws)

    def through(symbols: torch.Tensor) -> torch.Tensor:
        same = torch.Generator().manual_seed(1)
        output = channel(symbols, torch.tensor([3.0, 8.0]).double(), gain=gain, generator=same)
        return equalise(output, channel.csi).symbols

    assert torch.autograd.gradcheck(through, symbols, atol=1e-4)


def test_slow_capacity_is_of_the_average_or_of_the_fade() -> None:
    snr_db = torch.tensor([10.0, 10.0])
    channel = Rayleigh("image")
    assert channel.capacity(snr_db).tolist() == pytest.approx([math.log2(11)] * 2)
    gain = torch.tensor([[0.5 + 0j], [0 + 2j]])
    assert channel.capacity(snr_db, gain).tolist() == pytest.approx([math.log2(3.5), math.log2(41)], rel=1e-6)


@pytest.mark.parametrize("snr_db", [-40.0, -26.0, -10.0, 0.0, 10.0, 20.0, 40.0, 60.0])
def test_fast_rayleigh_capacity_is_the_integral(snr_db: float) -> None:
    """Against adaptive quadrature of its definition, over the logarithm of the power."""
    snr = 10 ** (snr_db / 10)
    expected, _ = quad(lambda v: math.exp(v - math.exp(v)) * math.log1p(snr * math.exp(v)), -45, 4, limit=500)
    expected /= math.log(2)
    capacity = Rayleigh("symbol").capacity(torch.tensor([snr_db], dtype=torch.float64))
    assert capacity.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("k_factor_db", [-30.0, -3.0, 6.0, 15.0])
def test_fast_rician_capacity_is_the_mixture_of_gamma_powers(k_factor_db: float) -> None:
    """|h|^2 is Gamma of order n + 1 with n ~ Poisson(K); each order is closed (Alouini & Goldsmith 1999, eq. 40)."""
    k_factor = 10 ** (k_factor_db / 10)
    orders = np.arange(200)
    chances = poisson.pmf(orders, k_factor)
    for snr_db in (-5.0, 10.0, 20.0, 40.0):
        x = (k_factor + 1) / 10 ** (snr_db / 10)
        expected = math.exp(x) * (chances * expn(orders + 1, x).cumsum()).sum() / math.log(2)
        channel = Rician("symbol", k_factor_db=k_factor_db)
        capacity = channel.capacity(torch.tensor([snr_db], dtype=torch.float64)).item()
        assert capacity == pytest.approx(expected, rel=1e-6), snr_db


def test_fast_rician_capacity_lies_between_rayleigh_and_awgn() -> None:
    snr_db = torch.tensor([10.0])
    rayleigh, awgn = Rayleigh("symbol").capacity(snr_db), AWGN().capacity(snr_db)
    assert rayleigh < Rician("symbol").capacity(snr_db) < awgn
    assert Rician("symbol", k_factor_db=60.0).capacity(snr_db).item() == pytest.approx(awgn.item(), rel=1e-3)


@pytest.mark.parametrize("options", [{"coherence": "image"}, {"csi": "none"}, {"k_factor_db": 3.0}])
def test_options_a_channel_does_not_have_are_refused(options: dict) -> None:
    with pytest.raises(UsageError, match="does not take"):
        make_channel("awgn", **options)
    with pytest.raises(UsageError, match="unknown channel"):
        make_channel("water")


def test_bad_options_are_refused() -> None:
    for wrong in ({"coherence": "packet"}, {"csi": "genie"}, {"k_factor_db": math.nan}):
        with pytest.raises(Exception, match=r"not one of|NaN|type"):
            Rician(**wrong)
