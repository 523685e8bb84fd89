"""What is sent of a residual's strength: one byte of quality, and corrections of the tables' variances by bands.

The tables hold variances relative to the residual's mean square, as they are on average over photographs. An image
deviates: a correction in steps of 1.5 dB for every band of frequencies in every group of classes takes about a dozen
bytes and replaces the average by the image's own strength. Groups of few blocks have none.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepjscc.errors import UsageError

QUALITIES = 64  # steps of 1.5 dB of the mean square, from 2^-10 to 2^21.5 in units of 8-bit steps
_ZERO = 20  # quality index of mean square 1
STEPS_PER_OCTAVE = 32  # of the logarithms of variances, which are integers so that both ends sort them alike
PER_LEVEL = STEPS_PER_OCTAVE // 2  # of those in a step of 1.5 dB
LARGEST = 12  # correction, in either direction
FEWEST_BLOCKS = 24  # that a group must hold to have corrections
_WORD = 4  # bytes that the arithmetic coder writes at a time
Corrections = Int[Tensor, "groups bands"]


@dataclass(frozen=True)
class Levels:
    """Strength of one image's residual.

    Attributes:
        quality: index of the residual's mean square, which the classes depend on too.
        corrections: of each group and band, in steps of 1.5 dB.
    """

    quality: int
    corrections: Corrections


def quality_of(mean_square: float) -> int:
    """Index of a mean square in squared 8-bit steps, clamped to what an index can say."""
    return min(max(round(2 * math.log2(max(mean_square, 1e-9))) + _ZERO, 0), QUALITIES - 1)


def log_mean_square(quality: int) -> int:
    """Logarithm of the mean square of a quality, in steps of :data:`STEPS_PER_OCTAVE`."""
    return (quality - _ZERO) * PER_LEVEL


def measure(ratio: Float[Tensor, "groups bands"], blocks: Int[Tensor, " groups"]) -> Corrections:
    """Corrections of an image.

    Args:
        ratio: energy of each group and band over what the tables expect.
        blocks: of each group.
    """
    steps = (2 * ratio.clamp_min(1e-30).log2()).round().clamp(-LARGEST, LARGEST).long()
    return torch.where((blocks >= FEWEST_BLOCKS)[:, None], steps, 0)


def pack(levels: Levels, blocks: Int[Tensor, " groups"], frequency: Float[Tensor, "bands steps"]) -> bytes:
    """Bytes of the levels.

    Args:
        levels: as :func:`measure` made them.
        blocks: of each group.
        frequency: logarithm of how often each correction occurs in each band.
    """
    import constriction

    sent = (blocks >= FEWEST_BLOCKS).cpu()
    if not sent.any():
        return bytes([levels.quality])
    model = constriction.stream.model.Categorical(perfect=False)
    encoder = constriction.stream.queue.RangeEncoder()
    symbols = levels.corrections.cpu()[sent] + LARGEST
    encoder.encode(symbols.flatten().numpy().astype(np.int32), model, _rows(frequency, len(symbols)))
    return bytes([levels.quality]) + encoder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")


def quality_in(data: bytes) -> int:
    """The quality, which must be known before the classes.

    Raises:
        UsageError: no levels.
    """
    if not data or data[0] >= QUALITIES:
        raise UsageError(f"the levels of the residual are damaged: {data[:1].hex() or 'no'} byte of quality")
    return data[0]


def unpack(data: bytes, blocks: Int[Tensor, " groups"], frequency: Float[Tensor, "bands steps"]) -> Levels:
    """Undo :func:`pack`.

    Raises:
        UsageError: bytes that are no levels.
    """
    import constriction

    quality = quality_in(data)
    sent = (blocks >= FEWEST_BLOCKS).cpu()
    corrections = torch.zeros(len(blocks), len(frequency), dtype=torch.long)
    if sent.any():
        coded = data[1:] + bytes(-(len(data) - 1) % _WORD)
        decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(coded, "<u4").astype(np.uint32))
        model = constriction.stream.model.Categorical(perfect=False)
        try:
            symbols = decoder.decode(model, _rows(frequency, int(sent.sum())))
        except AssertionError as error:
            raise UsageError(f"the levels of the residual are damaged: {error}") from None
        corrections[sent] = torch.from_numpy(symbols.astype(np.int64)).view(-1, len(frequency)) - LARGEST
    return Levels(quality, corrections)


def _rows(frequency: Float[Tensor, "bands steps"], groups: int) -> np.ndarray:
    """Probabilities of every correction of some groups, band after band."""
    probabilities: np.ndarray = frequency.cpu().double().softmax(1).float().numpy()
    return np.tile(probabilities, (groups, 1))
