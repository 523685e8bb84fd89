"""Spreading of analog symbols for low peaks: an order of constant energy, and a unitary transform.

The first symbols of an analog code are many times stronger than its mean, and neighbours are alike. Two steps make a
waveform of nearly constant power of them, and neither changes the energy or the noise of a symbol:

1. *Order.* The frame is divided into 16 segments. Each takes the strongest symbols that are left, as many as make up
   its share of the energy, and fills the rest with the weakest that are left. Within a segment symbols are dealt to its
   blocks of 480 in turn. So the beginning of a frame still has the symbols that matter most, as many as a constant
   power can carry.
2. *Transform.* Over a single carrier each block passes a unitary DFT between two multiplications by Zadoff-Chu phases,
   after which all of its pulses have the same mean power. An OFDM symbol needs none: its own DFT does that.

The share of strong symbols in each segment goes in the header: 4 bits each, in half octaves.
"""

from functools import cache

import numpy as np
from jaxtyping import Complex, Int

from deepjscc.radio.zadoff_chu import PILOT_LENGTH, Pulses, zadoff_chu

BLOCK_SYMBOLS = 480  # of a spread block: the data of one block of pulses, or of one OFDM symbol
SEGMENTS = 16
SHARES = 16  # quantised shares: share q is 2^(-q/2) of a segment
SHARE_BITS = 16  # binary places of a share, so that both ends compute with the same integers
STRIDE, SHIFT = (
    133,
    37,
)  # step from one symbol of a block to the next, and from one block to the next; 133 is prime to 480
ROOTS = 1723, 2143  # of the phases before and after the transform

Spreading = tuple[int, ...]
"""The quantised shares of strong symbols, one for each segment."""
Order = Int[np.ndarray, "blocks symbols"]


def choose_spreading(symbols: Pulses) -> Spreading:
    """Choose the shares of strong symbols that make the energy of all segments as equal as possible.

    Args:
        symbols: the image's symbols in order of importance.
    """
    blocks = block_count(len(symbols))
    power = np.abs(np.pad(symbols, (0, blocks * BLOCK_SYMBOLS - len(symbols)))).astype(np.float64) ** 2
    energy = np.concatenate([[0.0], np.cumsum(power)])
    low, high, shares = 0, len(power), list[int]()
    for first, last in _segments(blocks):
        room = (last - first) * BLOCK_SYMBOLS
        target = energy[-1] * last / blocks
        reached = []
        for share in range(SHARES):
            strong = _strong(room, share)
            reached.append(energy[low + strong] + energy[-1] - energy[high - (room - strong)])
        shares.append(int(np.abs(np.array(reached) - target).argmin()) if room else 0)
        strong = _strong(room, shares[-1])
        low, high = low + strong, high - (room - strong)
    return tuple(shares)


def spread_order(spreading: Spreading, uses: int) -> Order:
    """The order in which an image's symbols are transmitted.

    Args:
        spreading: quantised shares of strong symbols.
        uses: number of symbols of the image.

    Returns:
        For each place in each block the number of its symbol; numbers from ``uses`` on stand for padding.
    """
    blocks = block_count(uses)
    order, low, high = np.empty((blocks, BLOCK_SYMBOLS), dtype=np.int64), 0, blocks * BLOCK_SYMBOLS
    for (first, last), share in zip(_segments(blocks), spreading, strict=True):
        room = (last - first) * BLOCK_SYMBOLS
        strong = _strong(room, share)
        back = high - (room - strong)
        members = np.concatenate([np.arange(low, low + strong), np.arange(back, high)[::-1]])
        order[first:last] = members.reshape(BLOCK_SYMBOLS, last - first).T
        low, high = low + strong, back
    places = (np.arange(BLOCK_SYMBOLS) * STRIDE + np.arange(blocks)[:, None] * SHIFT) % BLOCK_SYMBOLS
    placed = np.empty_like(order)
    np.put_along_axis(placed, places, order, axis=1)
    return placed


def spread(symbols: Pulses, spreading: Spreading, *, transform: bool) -> Pulses:
    """Bring an image's symbols into their order, and transform each block.

    Args:
        symbols: the image's symbols.
        spreading: quantised shares of strong symbols.
        transform: whether to apply the unitary transform (over a single carrier).

    Returns:
        Whole blocks of :data:`BLOCK_SYMBOLS`.
    """
    padded = np.pad(symbols, (0, -len(symbols) % BLOCK_SYMBOLS))
    blocks = padded[spread_order(spreading, len(symbols))]
    if transform:
        before, after = _phases()
        blocks = np.fft.fft(blocks * before, axis=1, norm="ortho") * after
    return blocks.reshape(-1).astype(np.complex64)


def invert_transform(received: Pulses) -> Pulses:
    """Invert the unitary transform of whole blocks; white noise keeps its variance."""
    before, after = _phases()
    blocks = np.fft.ifft(received.reshape(-1, BLOCK_SYMBOLS) * after.conj(), axis=1, norm="ortho")
    return (blocks * before.conj()).reshape(-1).astype(np.complex64)


def block_count(uses: int) -> int:
    """Number of spread blocks of an image of ``uses`` symbols."""
    return -(-uses // BLOCK_SYMBOLS)


def _segments(blocks: int) -> list[tuple[int, int]]:
    """First block and end of each segment."""
    return [(index * blocks // SEGMENTS, (index + 1) * blocks // SEGMENTS) for index in range(SEGMENTS)]


def _strong(room: int, share: int) -> int:
    """Number of strong symbols in a segment of ``room`` symbols."""
    return room * _shares()[share] >> SHARE_BITS


@cache
def _shares() -> tuple[int, ...]:
    return tuple(round(2 ** (SHARE_BITS - share / 2)) for share in range(SHARES))


@cache
def _phases() -> tuple[Complex[np.ndarray, " symbols"], Complex[np.ndarray, " symbols"]]:
    before, after = (zadoff_chu(root, np.arange(BLOCK_SYMBOLS), PILOT_LENGTH).astype(np.complex64) for root in ROOTS)
    return before, after
