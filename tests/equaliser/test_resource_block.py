"""Estimates from pilots and equalising of OFDM against theory: errors, noise variances, and what stays lost."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from deepjscc.channels import OFDM, Channel, make_channel
from deepjscc.channels.prefix import Prefix
from deepjscc.equaliser import equalise
from deepjscc.symbols import normalise_power
from deepjscc.types import Received

PROFILES = ["tdl-a", "tdl-c", "cdl-c"]


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _symbols(batch: int, uses: int) -> Tensor:
    return normalise_power(torch.randn(batch, uses, dtype=torch.complex64, generator=_seeded(7)))


def _received(channel: Channel, symbols: Tensor, snr_db: float, gain: Tensor | None = None, seed: int = 0) -> Received:
    output = channel(symbols, torch.full((len(symbols),), snr_db), gain=gain, generator=_seeded(seed))
    return equalise(output, channel.csi)


@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 30.0])
def test_with_a_known_gain_symbols_are_divided_by_it(snr_db: float) -> None:
    """The symbols are z + n / h, their error variance N0 / |h|^2."""
    symbols, channel = _symbols(4, 5000), OFDM("tdl-a", "receiver")
    gain = channel.draw_gain(4, 5000, _seeded())
    received = _received(channel, symbols, snr_db, gain)
    assert torch.allclose(received.gain, gain[:, :5000], rtol=1e-4)
    n0 = 10 ** (-snr_db / 10)
    assert torch.allclose(received.noise_variance, n0 / gain[:, :5000].abs().square(), rtol=1e-3)
    noise = (received.symbols - symbols) * gain[:, :5000]
    assert noise.real.var().item() == pytest.approx(n0 / 2, rel=0.03)
    assert noise.imag.var().item() == pytest.approx(n0 / 2, rel=0.03)
    assert received.symbols.dtype == received.gain.dtype == torch.complex64


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 25.0])
def test_the_error_variance_is_that_of_the_error(profile: str, snr_db: float) -> None:
    """With estimates too: the error of the estimate counts as noise."""
    symbols = _symbols(8, 1000)
    received = _received(make_channel(profile), symbols, snr_db)
    whitened = (received.symbols - symbols).abs().square() / received.noise_variance
    assert whitened.mean().item() == pytest.approx(1, abs=0.05)
    implied = 10 ** (-snr_db / 10) / received.gain.abs().square()
    assert torch.allclose(implied, received.noise_variance, rtol=1e-3)


def _estimate_error(channel: OFDM, snr_db: float) -> float:
    """E|h - estimate|^2, from noise variances of (N0 + error) / |estimate|^2 and zero symbols that show only noise."""
    gain = channel.draw_gain(8, 1000, _seeded())
    ones = torch.ones(8, 1000, dtype=torch.complex64)
    got = _received(channel, ones, snr_db, gain, 1).symbols
    nothing = _received(channel, 0 * ones, snr_db, gain, 1).symbols
    # (h + n) / e - n / e = h / e
    return (gain[:, :1000] - gain[:, :1000] / (got - nothing)).abs().square().mean().item()


def test_estimates_get_better_with_the_snr_and_with_smoothing() -> None:
    """Least squares: 0.88 N0 on the data, the mean of (1 - w)^2 + w^2 over the slot; smoothing 24 pilots, far less."""
    for snr_db in (0.0, 10.0, 20.0):
        n0 = 10 ** (-snr_db / 10)
        assert _estimate_error(OFDM("tdl-a", estimator="ls"), snr_db) == pytest.approx(0.88 * n0, rel=0.05)
        assert _estimate_error(OFDM("tdl-a"), snr_db) < 0.2 * n0


def test_without_noise_only_the_estimate_errs() -> None:
    symbols = _symbols(1, 300)
    known = _received(OFDM("tdl-a", "receiver"), symbols, math.inf)
    assert torch.allclose(known.symbols, symbols, atol=1e-5)
    estimated = _received(OFDM("tdl-a"), symbols, math.inf)
    assert (estimated.symbols - symbols).abs().mean() < 0.05
    for received in (known, estimated):
        assert (received.noise_variance >= 0).all()
        assert received.noise_variance.isfinite().all()


def test_images_in_a_batch_are_strangers() -> None:
    symbols, channel = _symbols(3, 500), OFDM("tdl-c")
    gain, snr_db = channel.draw_gain(3, 500, _seeded()), torch.tensor([0.0, 10.0, 20.0])
    others = symbols * torch.tensor([[5j], [1], [0]])
    one, two = (
        equalise(channel(each, snr_db, gain=gain, generator=_seeded(1)), channel.csi) for each in (symbols, others)
    )
    assert torch.equal(one.symbols[1], two.symbols[1])
    assert torch.equal(one.noise_variance, two.noise_variance)


def test_a_receiver_estimates_the_gain_from_pilots_alone() -> None:
    """Neither the gain nor the symbols change the estimate; only a receiver that knows the gain looks at it."""
    output = OFDM("tdl-a")(_symbols(1, 200), torch.tensor([10.0]), generator=_seeded())
    other = replace(output, symbols=0 * output.symbols, gain=None)
    assert torch.equal(equalise(other, "estimated").gain, equalise(output, "estimated").gain)
    assert torch.allclose(equalise(output, "receiver").gain, output.gain[:, :200], rtol=1e-6)
    assert not torch.allclose(equalise(output, "estimated").gain, output.gain[:, :200], rtol=1e-3)


def test_symbols_that_did_not_arrive_stay_lost() -> None:
    symbols = _symbols(2, 200)
    whole = _received(OFDM("tdl-a"), symbols, 10.0)
    part = _received(Prefix(OFDM("tdl-a"), 0.25), symbols, 10.0)
    assert torch.equal(part.symbols[:, :50], whole.symbols[:, :50])
    assert torch.equal(part.noise_variance[:, :50], whole.noise_variance[:, :50])
    assert (part.symbols[:, 50:] == 0).all()
    assert part.noise_variance[:, 50:].isinf().all()


def test_gradients_reach_the_encoder() -> None:
    symbols = torch.randn(2, 150, dtype=torch.complex64, generator=_seeded()).requires_grad_()
    output = OFDM("tdl-a")(symbols, torch.tensor([5.0, 15.0]), generator=_seeded())
    (equalise(output, "estimated").symbols - 1).abs().square().mean().backward()
    assert symbols.grad.isfinite().all()
    assert (symbols.grad.abs() > 0).all()
