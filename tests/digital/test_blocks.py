"""Modulation and codes against closed forms and against the library's own demapper."""

import math
from statistics import NormalDist

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.digital.bler import confidence
from deepjscc.digital.blocks import Block
from deepjscc.digital.modulation import QAM
from deepjscc.digital.schemes import PAPERS, STANDARD, Scheme
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError

pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")


def gray_pam_bit_errors(bits: int, snr: float) -> float:
    """Mean bit error rate of one axis of a Gray-labelled square QAM over AWGN (Cho and Yoon 2002, eqs. 9 and 10)."""
    levels, total = 2**bits, 0.0
    for k in range(1, bits + 1):
        for i in range(int((1 - 2**-k) * levels)):
            sign = (-1) ** (i * 2 ** (k - 1) // levels)
            factor = 2 ** (k - 1) - math.floor(i * 2 ** (k - 1) / levels + 0.5)
            distance = (2 * i + 1) * math.sqrt(3 * snr / (levels**2 - 1))
            total += 2 / levels * sign * factor * NormalDist().cdf(-distance)
    return total / bits


@pytest.mark.parametrize(("bits_per_symbol", "snr_db"), [(2, 6.0), (4, 10.0), (6, 16.0), (8, 22.0)])
def test_uncoded_bit_errors_are_those_of_the_closed_form(bits_per_symbol: int, snr_db: float) -> None:
    qam, draws = QAM(bits_per_symbol), torch.Generator().manual_seed(0)
    bits = torch.randint(0, 2, (1, bits_per_symbol * 60_000), generator=draws).float()
    received = AWGN()(qam.modulate(bits), torch.tensor([snr_db]), generator=draws)
    logits = qam.soft_bits(received.symbols, received.noise_variance)
    errors = int(((logits > 0).float() != bits).sum())
    low, high = confidence(errors, bits.numel(), 0.999)
    assert low < gray_pam_bit_errors(bits_per_symbol // 2, 10 ** (snr_db / 10)) < high


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8])
def test_axes_apart_are_the_whole_constellation(bits_per_symbol: int) -> None:
    from sionna.phy.mapping import Demapper

    draws = torch.Generator().manual_seed(0)
    qam = QAM(bits_per_symbol)
    symbols = qam.modulate(torch.randint(0, 2, (2, 24 * bits_per_symbol), generator=draws).float())
    assert symbols.abs().square().mean().item() == pytest.approx(1, abs=0.3)
    noise = 0.01 + 0.1 * torch.rand(symbols.shape, generator=draws)
    noisy = symbols + noise.sqrt() * torch.randn(symbols.shape, dtype=symbols.dtype, generator=draws)
    whole = Demapper("app", "qam", bits_per_symbol, device="cpu")(noisy, noise)
    assert torch.allclose(qam.soft_bits(noisy, noise), whole, atol=1e-3)


def test_the_known_block_error_rate() -> None:
    """k = 512, n = 1024, QPSK, 20 iterations: about 0.06 at Es/N0 = 1.5 dB."""
    code, draws = Block(Scheme("qpsk", 512), 1024), torch.Generator().manual_seed(0)
    assert code.message_bits == 512 - 24
    messages = torch.randint(0, 2, (600, code.message_bits), generator=draws).float()
    received = AWGN()(code.encode(messages), torch.full((600,), 1.5), generator=draws)
    decoded, right = code.decode(received.symbols, received.noise_variance)
    wrong = (decoded != messages).any(1)
    assert torch.equal(wrong, ~right)
    low, high = confidence(int(wrong.sum()), 600)
    assert low < 0.06 < high


@pytest.mark.parametrize(
    "scheme", [STANDARD[0], STANDARD[5], STANDARD[12], STANDARD[27], PAPERS[0]], ids=lambda s: s.name
)
@pytest.mark.parametrize("block_bits", [384, 6144])
def test_blocks_arrive_where_the_channel_is_good(scheme: Scheme, block_bits: int) -> None:
    code, draws = Block(scheme, block_bits), torch.Generator().manual_seed(0)
    messages = torch.randint(0, 2, (2, code.message_bits), generator=draws).float()
    symbols = code.encode(messages)
    assert symbols.shape == (2, block_bits // scheme.bits_per_symbol)
    good = 10 * math.log10(2**scheme.efficiency - 1) + 6
    received = AWGN()(symbols, torch.full((2,), good), generator=draws)
    decoded, right = code.decode(received.symbols, received.noise_variance)
    assert right.all()
    assert torch.equal(decoded, messages)
    hopeless = AWGN()(symbols, torch.full((2,), good - 20), generator=draws)
    assert not code.decode(hopeless.symbols, hopeless.noise_variance)[1].any()


def test_a_noise_variance_per_symbol_is_used() -> None:
    """Over fast fading a decoder that is told every fade beats one that is told the mean."""
    code, draws = Block(Scheme("qpsk", 512), 1536), torch.Generator().manual_seed(0)
    messages = torch.randint(0, 2, (40, code.message_bits), generator=draws).float()
    received = equalise(Rayleigh("symbol")(code.encode(messages), torch.full((40,), 5.0), generator=draws), "receiver")
    told = code.decode(received.symbols, received.noise_variance)[1]
    untold = code.decode(received.symbols, torch.full_like(received.noise_variance, 10**-0.5))[1]
    assert told.float().mean() > 0.9
    assert untold.float().mean() < 0.5


def test_too_short_a_block_is_refused() -> None:
    with pytest.raises(UsageError, match="hold no message"):
        Block(STANDARD[0], 192)
