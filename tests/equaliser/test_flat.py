"""Zero forcing of flat fading and of clipping: estimates, and error variances that are those measured."""

import math
from dataclasses import replace

import pytest
import torch

from deepjscc.channels import AWGN, Channel, Clipped, Rayleigh, Rician
from deepjscc.channels.prefix import Prefix
from deepjscc.equaliser import equalise, zero_forcing_error
from deepjscc.symbols import normalise_power
from deepjscc.types import Received
from deepjscc.units import from_db

MANY = 200_000
FLAT = [
    kind(coherence=c, csi=i) for kind in (Rayleigh, Rician) for c in ("image", "symbol") for i in ("none", "receiver")
]


def _symbols(batch: int, uses: int, draws: torch.Generator) -> torch.Tensor:
    return normalise_power(torch.randn(batch, uses, dtype=torch.complex64, generator=draws))


def _label(channel: Channel) -> str:
    return f"{type(channel).__name__}-{channel.coherence}-{channel.csi}"


@pytest.mark.parametrize("channel", [AWGN(), *FLAT], ids=_label)
def test_the_error_variance_is_that_of_the_error(channel: Channel, draws: torch.Generator) -> None:
    symbols = _symbols(1, MANY, draws)
    gain = channel.draw_gain(1, MANY, draws)
    received = equalise(channel(symbols, torch.tensor([7.0]), gain=gain, generator=draws), channel.csi)
    left = gain if gain is not None and channel.csi == "none" else torch.ones(1, 1)
    error = received.symbols - left * symbols
    whitened = error.abs().square() / received.noise_variance
    assert whitened.mean().item() == pytest.approx(1, rel=0.02)
    assert (received.gain is not None) == (channel.csi == "receiver")


@pytest.mark.parametrize("csi", [None, "none", "estimated"])
def test_a_receiver_that_does_not_know_the_gain_leaves_it(csi: str | None, draws: torch.Generator) -> None:
    output = Rayleigh("symbol")(_symbols(2, 10, draws), torch.tensor([3.0, 8.0]), generator=draws)
    received = equalise(output, csi)
    assert torch.equal(received.symbols, output.symbols)
    assert torch.equal(received.noise_variance, output.noise_variance)
    assert received.gain is None


def test_conditioning_snr_follows_a_known_slow_fade(draws: torch.Generator) -> None:
    gain, snr_db = torch.tensor([[2 + 0j]]), torch.tensor([10.0])
    output = Rayleigh("image")(torch.ones(1, 4).cfloat(), snr_db, gain=gain, generator=draws)
    told, untold = equalise(output, "receiver"), equalise(output, "none")
    assert told.conditioning_snr_db().item() == pytest.approx(10 + 20 * math.log10(2), abs=1e-4)
    assert untold.conditioning_snr_db().item() == 10
    assert from_db(-told.conditioning_snr_db()).item() == pytest.approx(told.noise_variance[0, 0].item(), rel=1e-4)


def test_a_dead_fade_stays_finite(draws: torch.Generator) -> None:
    gain = torch.zeros(1, 1).cfloat()
    output = Rayleigh()(torch.ones(1, 4).cfloat(), torch.tensor([10.0]), gain=gain, generator=draws)
    received = equalise(output, "receiver")
    assert received.symbols.isfinite().all()
    assert received.noise_variance.isfinite().all()
    assert zero_forcing_error(torch.ones(1, 1), gain).isfinite().all()


def test_symbols_that_did_not_arrive_stay_lost(draws: torch.Generator) -> None:
    channel = Prefix(Rayleigh("symbol"), 0.3)
    received = equalise(channel(_symbols(2, 10, draws), torch.tensor([3.0, 8.0]), generator=draws), channel.csi)
    assert received.noise_variance.isinf().sum(1).tolist() == [7, 7]
    assert (received.symbols[:, 3:] == 0).all()


def _of_clipped(snr_db: float, draws: torch.Generator) -> tuple[torch.Tensor, Received]:
    symbols = _symbols(2, 20_000, draws)
    return symbols, equalise(Clipped(4.0)(symbols, torch.full((2,), snr_db), generator=draws), None)


@pytest.mark.parametrize("snr_db", [0.0, 15.0])
def test_the_error_variance_of_clipping_is_noise_and_distortion(snr_db: float, draws: torch.Generator) -> None:
    symbols, received = _of_clipped(snr_db, draws)
    error = (received.symbols - symbols).abs().square().mean(1)
    assert received.noise_variance[:, 0].tolist() == pytest.approx(error.tolist(), rel=0.03)
    assert received.noise_variance.min() > 10 ** (-snr_db / 10)
    assert received.conditioning_snr_db().tolist() == [snr_db] * 2  # the gain of the transmitter is no fade


def test_clipping_and_fading_are_both_divided_out(draws: torch.Generator) -> None:
    """y = h (a z + d) + n: the error variance is (N0 / |h|^2 + E|d|^2) / a^2."""
    symbols, h = _symbols(1, MANY, draws), torch.tensor([[0.5j]])
    clipped = Clipped(4.0)(symbols, torch.tensor([200.0]))
    noise = 0.1 * torch.randn(1, MANY, dtype=torch.complex64, generator=draws)
    output = replace(clipped, symbols=h * clipped.symbols + noise, gain=h, noise_variance=torch.full((1, MANY), 0.01))
    received = equalise(output, "receiver")
    error = (received.symbols - symbols).abs().square().mean().item()
    assert received.noise_variance[0, 0].item() == pytest.approx(error, rel=0.02)
