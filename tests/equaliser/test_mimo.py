"""Separating streams: SINRs and their distribution against closed forms, and symbols with the noise that is told."""

import math

import pytest
import torch

from deepjscc.channels import Mimo, Rayleigh
from deepjscc.equaliser import equalise
from deepjscc.equaliser.mimo import mmse


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def test_sinr_of_two_streams_is_that_of_the_formula() -> None:
    """h1^H (h2 h2^H + N0 I)^-1 h1: the SINR of the best linear receiver (Tse and Viswanath 2005, eq. 8.67)."""
    matrix, n0 = gaussian(2, 2).to(torch.complex128), 0.3
    _, noise = mmse(torch.zeros(1, 1, 2, dtype=torch.complex128), matrix[None, None], torch.tensor([[n0]]).double())
    for stream in (0, 1):
        own, other = matrix[:, stream], matrix[:, 1 - stream]
        covariance = torch.outer(other, other.conj()) + n0 * torch.eye(2)
        sinr = (own.conj() @ torch.linalg.solve(covariance, own)).real.item()
        assert 1 / noise[0, 0, stream].item() == pytest.approx(sinr)


def test_distribution_of_the_sinr_is_that_of_theory() -> None:
    """P(SINR < g) = 1 - exp(-g / s) (1 + g / (s (1 + g))) for two streams of SNR s at each of two receive antennas.

    The SINR is s (A + B / (1 + s G)) with A and B exponential and G, the power of the interferer, Gamma(2, 1)
    (the case of two antennas of Gao, Smith and Clark 1998, "Theoretical reliability of MMSE linear diversity").
    """
    snr, draws = 10.0, 40_000
    matrices = gaussian(draws, 1, 2, 2).to(torch.complex128)
    _, noise = mmse(
        torch.zeros(draws, 1, 2, dtype=torch.complex128), matrices, torch.full((draws, 1), 1 / snr).double()
    )
    sinr = 1 / noise[:, 0, 0]
    for level in (0.5, 2.0, 8.0, 20.0):
        theory = 1 - math.exp(-level / snr) * (1 + level / snr / (1 + level))
        assert (sinr < level).double().mean().item() == pytest.approx(theory, abs=0.01)


@pytest.mark.parametrize("snr_db", [0.0, 15.0])
@pytest.mark.parametrize(
    "channel",
    [
        Mimo(2, 2),
        Mimo(4, 4, coherence="symbol"),
        Mimo(2, 4),
        Mimo(4, 2, "svd"),
        Mimo(4, 4, "svd", "symbol"),
        Mimo(4, 4, csi="estimated"),
        Mimo(2, 2, "svd", csi="estimated"),
    ],
    ids=lambda channel: f"{channel.transmit}x{channel.receive}-{channel.precoding}-{channel.coherence}-{channel.csi}",
)
def test_symbols_have_the_noise_that_is_told(channel: Mimo, snr_db: float) -> None:
    symbols = gaussian(400, 203)
    output = channel(symbols, torch.full((400,), snr_db), generator=torch.Generator().manual_seed(1))
    received = equalise(output, channel.csi)
    assert received.symbols.shape == symbols.shape
    told = received.noise_variance.double()
    error = (received.symbols - symbols).abs().square().double()
    normal = told < 50  # beyond, a stream is lost
    assert (error / told)[normal].mean().item() == pytest.approx(1, abs=0.06)
    n0 = 10 ** (-snr_db / 10)
    torch.testing.assert_close(n0 / received.gain.abs().square().double(), told, rtol=1e-3, atol=1e-6)


def test_one_antenna_at_each_end_is_rayleigh_fading() -> None:
    symbols, gain, snr_db = gaussian(3, 50), gaussian(3, 1, seed=5), torch.full((3,), 7.0)
    found = []
    for channel in (Mimo(1, 1), Rayleigh("image")):
        output = channel(symbols, snr_db, gain=gain, generator=torch.Generator().manual_seed(0))
        found.append(equalise(output, channel.csi))
    torch.testing.assert_close(found[0].symbols, found[1].symbols, atol=1e-4, rtol=1e-4)
    told = found[1].noise_variance.expand(3, 50)
    torch.testing.assert_close(found[0].noise_variance, told, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("snr_db", [10.0, math.inf])
@pytest.mark.parametrize("precoding", ["none", "svd"])
def test_a_singular_matrix_loses_a_stream_and_nothing_else(precoding: str, snr_db: float) -> None:
    channel, symbols = Mimo(2, 2, precoding), gaussian(1, 100)
    for gain in (torch.tensor([[1.0, 0.0, 0.0, 0.0]]), torch.zeros(1, 4)):
        output = channel(symbols, torch.tensor([snr_db]), gain=gain.to(torch.complex64))
        received = equalise(output, "receiver")
        assert torch.view_as_real(received.symbols).isfinite().all()
        assert received.noise_variance.isfinite().all()
        assert received.noise_variance.max() > 1e6
    first = equalise(channel(symbols, torch.tensor([60.0]), gain=torch.tensor([[1.0 + 0j, 0, 0, 0]])), "receiver")
    kept = first.noise_variance[0] < 1
    assert kept.sum() == 50
    assert (first.symbols - symbols)[0, kept].abs().max() < 0.05


def test_perfect_knowledge_without_noise_gives_the_symbols_back() -> None:
    for channel in (Mimo(4, 4), Mimo(4, 4, "svd"), Mimo(4, 4, csi="estimated")):
        symbols = gaussian(2, 101)
        received = equalise(channel(symbols, torch.full((2,), torch.inf)), channel.csi)
        assert (received.symbols - symbols).abs().max() < 5e-3


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_symbols_of_unlike_power_have_the_noise_that_is_told(snr_db: float) -> None:
    """As those of an analog code: the first are 20 dB stronger than the mean, and interfere as much."""
    amplitude = torch.logspace(1.0, -1.0, 400)
    symbols = gaussian(200, 400) * amplitude
    channel = Mimo(2, 2, coherence="symbol")
    output = channel(symbols, torch.full((200,), snr_db), generator=torch.Generator().manual_seed(1))
    received = equalise(output, channel.csi)
    ratio = (received.symbols - symbols).abs().square() / received.noise_variance
    for part in ratio.split(100, 1):
        assert part.mean().item() == pytest.approx(1, abs=0.25)
