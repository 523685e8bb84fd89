"""Bits to symbols and symbols to bits by a code plan."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Complex, Float, UInt8
from torch import Tensor

from deepjscc.digital.fine.code import nr_code
from deepjscc.digital.fine.crc import append_crc, crc_length
from deepjscc.digital.fine.decoder import layered_decoder
from deepjscc.digital.fine.plan import CodePlan
from deepjscc.errors import UsageError

CHUNK = 128  # code blocks worked on at once, which bounds memory
SCRAMBLER_SEED = 38212


def encode(bits: Tensor, plan: CodePlan) -> Complex[Tensor, " uses"]:
    """Code and modulate a message.

    Coded bits are scrambled by a fixed pseudo-random sequence, so that symbols have mean power 1 whatever the message.

    Args:
        bits: ``[message_bits]`` of 0 and 1.
        plan: of the message.

    Returns:
        Symbols of mean power 1 in expectation.

    Raises:
        UsageError: another number of bits than planned.
    """
    if bits.shape != (plan.message_bits,):
        raise UsageError(f"the plan holds {plan.message_bits} bits, not {tuple(bits.shape)}")
    messages = bits.to(torch.uint8).view(plan.code_blocks, -1)
    symbols = torch.empty(plan.uses, dtype=torch.complex64, device=bits.device)
    for blocks, uses in _groups(plan):
        coded_bits = uses * plan.modulation.bits_per_symbol
        code = nr_code(plan.block_bits, coded_bits, plan.modulation.bits_per_symbol, plan.graph)
        coded = code.encode(append_crc(plan.crc_name, messages[blocks])) ^ _scrambler(coded_bits).to(bits.device)
        modulated = plan.modulation.modulate(coded)
        for block, one in zip(range(blocks.start, blocks.stop), modulated, strict=True):
            symbols[plan.block_uses(block)] = one
    return symbols


@torch.no_grad()
def decode(
    symbols: Complex[Tensor, " uses"], noise_variance: Float[Tensor, " uses"], plan: CodePlan
) -> tuple[UInt8[Tensor, " bits"] | None, bool]:
    """Demodulate and decode a message.

    Args:
        symbols: equalised, at the scale at which they were sent.
        noise_variance: of noise and interference on each complex symbol.
        plan: of the message.

    Returns:
        The message, None where a code block was lost, and whether it arrived.

    Raises:
        UsageError: another number of symbols than planned.
    """
    if symbols.shape != (plan.uses,):
        raise UsageError(f"the plan holds {plan.uses} symbols, not {tuple(symbols.shape)}")
    noise_variance = noise_variance.expand(plan.uses)
    parts = []
    for blocks, uses in _groups(plan):
        coded_bits = uses * plan.modulation.bits_per_symbol
        mine = [plan.block_uses(block) for block in range(blocks.start, blocks.stop)]
        llr = plan.modulation.soft_bits(
            torch.stack([symbols[one] for one in mine]), torch.stack([noise_variance[one] for one in mine])
        )
        llr = llr * (1 - 2 * _scrambler(coded_bits).to(llr))
        decoder = layered_decoder(
            plan.block_bits, coded_bits, plan.modulation.bits_per_symbol, plan.graph, plan.crc_name
        )
        information, right = decoder.decode(llr)
        if not right.all():
            return None, False
        parts.append(information[:, : -crc_length(plan.crc_name)].reshape(-1))
    return torch.cat(parts), True


def _groups(plan: CodePlan) -> list[tuple[slice, int]]:
    """Neighbouring code blocks with equally many uses, at most :data:`CHUNK` of them, and these uses."""
    longer = plan.uses % plan.code_blocks
    groups = []
    for start, stop in ((0, longer), (longer, plan.code_blocks)):
        uses = plan.uses // plan.code_blocks + (start < longer)
        groups += [(slice(one, min(one + CHUNK, stop)), uses) for one in range(start, stop, CHUNK)]
    return groups


@lru_cache(maxsize=8)
def _scrambler(bits: int) -> Tensor:
    """A fixed pseudo-random sequence: raw output of PCG64, which NumPy keeps the same over versions."""
    words = np.random.PCG64(SCRAMBLER_SEED).random_raw(-(-bits // 64)).astype("<u8")
    return torch.from_numpy(np.unpackbits(words.view(np.uint8))[:bits])
