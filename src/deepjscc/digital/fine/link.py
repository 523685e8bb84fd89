"""Bits to symbols and symbols to bits by a code plan."""

import numpy as np
import torch
from jaxtyping import Complex, Float, UInt8
from torch import Tensor

from deepjscc.digital.fine.code import nr_code
from deepjscc.digital.fine.crc import append_crc, crc_length
from deepjscc.digital.fine.decoder import layered_decoder
from deepjscc.digital.fine.information import gray_labels
from deepjscc.digital.fine.plan import CodePlan
from deepjscc.digital.fine.shaping import SIDE_BITS, scrambler, shape, unshape
from deepjscc.errors import UsageError

CHUNK = 128  # code blocks worked on at once, which bounds memory


def encode(bits: Tensor, plan: CodePlan) -> Complex[Tensor, " uses"]:
    """Code and modulate a message.

    The message is scrambled by a fixed pseudo-random sequence, so that symbols have mean power 1 whatever it is.

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
    message = bits.to("cpu", torch.uint8).numpy() ^ scrambler(plan.message_bits)
    symbols = torch.empty(plan.uses, dtype=torch.complex64, device=bits.device)
    labels = None
    if plan.modulation.weights is not None:
        amplitudes, side = shape(message[: plan.matched_bits], 2 * plan.uses, plan.modulation.weights)
        message = np.concatenate([side, message[plan.matched_bits :]])
        labels = gray_labels(plan.modulation.bits_per_axis)[amplitudes].astype(np.uint8).reshape(-1)
    for blocks, uses in _groups(plan):
        count, plain_bits = blocks.stop - blocks.start, plan.plain_bits(uses)
        plain, message = message[: count * plain_bits].reshape(count, -1), message[count * plain_bits :]
        if labels is not None:
            each = 2 * uses * (plan.modulation.bits_per_axis - 1)
            mine, labels = labels[: count * each].reshape(count, -1), labels[count * each :]
            punctured = plan.punctured_bits
            plain = np.concatenate([plain[:, :punctured], mine, plain[:, punctured:]], 1)
        information = torch.from_numpy(plain).to(bits.device)
        coded = nr_code(*_code(plan, uses)).encode(append_crc(plan.crc_name, information))
        for block, one in zip(range(blocks.start, blocks.stop), plan.modulation.modulate(coded), strict=True):
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
    plain, amplitudes = [], []
    for blocks, uses in _groups(plan):
        mine = [plan.block_uses(block) for block in range(blocks.start, blocks.stop)]
        llr = plan.modulation.soft_bits(
            torch.stack([symbols[one] for one in mine]), torch.stack([noise_variance[one] for one in mine])
        )
        size, coded_bits, bits_per_symbol, graph, shaped = _code(plan, uses)
        decoder = layered_decoder(size, coded_bits, bits_per_symbol, graph, plan.crc_name, shaped)
        information, right = decoder.decode(llr)
        if not right.all():
            return None, False
        bits = information[:, : -crc_length(plan.crc_name)].cpu().numpy()
        if plan.shaped:
            first, last = plan.punctured_bits, plan.punctured_bits + bits.shape[1] - plan.plain_bits(uses)
            amplitudes.append(_amplitudes(bits[:, first:last].reshape(-1, plan.modulation.bits_per_axis - 1)))
            bits = np.concatenate([bits[:, :first], bits[:, last:]], 1)
        plain.append(bits.reshape(-1))
    message = np.concatenate(plain)
    if plan.modulation.weights is not None:
        matched = unshape(np.concatenate(amplitudes), message[:SIDE_BITS], plan.modulation.weights)
        if matched is None:
            return None, False
        message = np.concatenate([matched, message[SIDE_BITS:]])
    return torch.from_numpy(message ^ scrambler(plan.message_bits)).to(symbols.device), True


def _code(plan: CodePlan, uses: int) -> tuple[int, int, int, int, bool]:
    """Arguments of the code of a block with so many uses."""
    bits_per_symbol = plan.modulation.bits_per_symbol
    return plan.block_bits, uses * bits_per_symbol, bits_per_symbol, plan.graph, plan.shaped


def _amplitudes(labels: np.ndarray) -> np.ndarray:
    """Labels of amplitudes ``[amplitudes, bits]`` to their indices."""
    weights = 2 ** np.arange(labels.shape[1])
    index = np.empty(2 ** labels.shape[1], dtype=np.int32)
    index[gray_labels(labels.shape[1] + 1) @ weights] = np.arange(len(index))
    return index[labels @ weights]


def _groups(plan: CodePlan) -> list[tuple[slice, int]]:
    """Neighbouring code blocks with equally many uses, at most :data:`CHUNK` of them, and these uses."""
    longer = plan.uses % plan.code_blocks
    groups = []
    for start, stop in ((0, longer), (longer, plan.code_blocks)):
        uses = plan.uses // plan.code_blocks + (start < longer)
        groups += [(slice(one, min(one + CHUNK, stop)), uses) for one in range(start, stop, CHUNK)]
    return groups
