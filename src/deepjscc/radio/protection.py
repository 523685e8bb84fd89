"""Channel coding of bytes: CRC and LDPC code of 5G, QPSK, and repetition where the rate is below the code's."""

import math
from functools import lru_cache

import numpy as np
import torch

from deepjscc.digital.blocks import Block
from deepjscc.digital.schemes import CRC_BITS, Scheme
from deepjscc.radio.zadoff_chu import Pulses

DATA = 240  # pulses between two groups of pilots; coded parts are whole multiples
OLD_HEADER_BYTES, OLD_HEADER_BLOCKS = 32, 24  # of frames of version 1
PIECE = 384  # most bytes of a code block
GRAIN = 16  # code blocks are multiples of so many bytes, so that there are few different codes


def header_pulses(header: bytes, blocks: int) -> Pulses:
    """Encode a header to the QPSK pulses of ``blocks`` blocks."""
    return _encode(header, blocks * DATA)


def read_header(pulses: Pulses, noise_variance: float, length: int) -> bytes | None:
    """Decode the pulses of a header of ``length`` bytes; None where the CRC-24 is wrong."""
    return _decode(pulses, noise_variance, length)


def pieces(length: int, eighths: int) -> tuple[int, int, int]:
    """Split ``length`` bytes into code blocks at a rate in eighths of a bit per use: their number, bytes and pulses."""
    if not length:
        return 0, 0, 0
    count = math.ceil(length / PIECE)
    each = GRAIN * math.ceil(length / count / GRAIN)
    return count, each, DATA * math.ceil((8 * each + CRC_BITS) / (eighths / 8) / DATA)


def protected_pulses(data: bytes, eighths: int) -> Pulses:
    """Encode bytes to QPSK pulses at a rate of ``eighths / 8`` bits per pulse, CRCs included."""
    count, each, uses = pieces(len(data), eighths)
    padded = data.ljust(count * each, b"\0")
    blocks = [_encode(padded[start : start + each], uses) for start in range(0, count * each, max(each, 1))]
    return np.concatenate([np.empty(0, np.complex64), *blocks])


def read_protected(pulses: Pulses, noise_variance: float, length: int, eighths: int) -> bytes | None:
    """Decode the pulses of :func:`protected_pulses`; None where a code block was lost."""
    count, each, uses = pieces(length, eighths)
    read = [_decode(pulses[index * uses : (index + 1) * uses], noise_variance, each) for index in range(count)]
    return None if None in read else b"".join(part or b"" for part in read)[:length]


@lru_cache(maxsize=64)
def _code(size: int, uses: int) -> Block:
    """The code of ``size`` bytes on ``uses`` pulses; building it takes a moment."""
    bits = 2 * uses
    return Block(Scheme("qpsk", (8 * size + CRC_BITS + 0.5) * 1024 / bits), bits)


@torch.no_grad()
def _encode(data: bytes, uses: int) -> Pulses:
    bits = torch.from_numpy(np.unpackbits(np.frombuffer(data, np.uint8)).astype(np.float32))
    return _code(len(data), uses).encode(bits[None])[0].numpy()


@torch.no_grad()
def _decode(pulses: Pulses, noise_variance: float, size: int) -> bytes | None:
    received = torch.from_numpy(pulses.astype(np.complex64))[None]
    bits, right = _code(size, len(pulses)).decode(received, torch.full(received.shape, noise_variance))
    return np.packbits(bits[0].numpy().astype(np.uint8)).tobytes() if right.item() else None
