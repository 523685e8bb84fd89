"""Cyclic redundancy checks of 5G (3GPP TS 38.212, sec. 5.1) as a matrix over GF(2)."""

from functools import lru_cache

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

# Generator polynomials without their leading term.
POLYNOMIALS = {"CRC24A": (24, 0x864CFB), "CRC24B": (24, 0x800063), "CRC16": (16, 0x1021)}

Bits = UInt8[Tensor, "blocks bits"]  #: 0 and 1


def crc_length(name: str) -> int:
    """Number of check bits.

    Args:
        name: a key of :data:`POLYNOMIALS`.
    """
    return POLYNOMIALS[name][0]


@lru_cache(maxsize=32)
def _remainders(name: str, bits: int) -> Tensor:
    """Remainder that each bit of a message contributes, as ``[bits, check bits]`` floats."""
    length, polynomial = POLYNOMIALS[name]
    rows, remainder = [], polynomial  # x^length modulo the generator: the remainder of the last bit
    for _ in range(bits):
        rows.append([remainder >> shift & 1 for shift in range(length - 1, -1, -1)])
        remainder = (remainder << 1) ^ ((1 << length | polynomial) if remainder >> (length - 1) else 0)
    return torch.tensor(rows[::-1], dtype=torch.float32).reshape(bits, length)


def crc(name: str, messages: Bits) -> UInt8[Tensor, "blocks check"]:
    """Check bits of each message.

    Args:
        name: a key of :data:`POLYNOMIALS`.
        messages: ``[blocks, bits]``.

    Returns:
        ``[blocks, check bits]``, the most significant first.
    """
    # Sums of at most 2^24 ones are exact in single precision.
    sums = messages.float() @ _remainders(name, messages.shape[1]).to(messages.device)
    return sums.remainder(2).to(torch.uint8)


def append_crc(name: str, messages: Bits) -> UInt8[Tensor, "blocks information"]:
    """Messages with their check bits behind them.

    Args:
        name: a key of :data:`POLYNOMIALS`.
        messages: ``[blocks, bits]``.
    """
    return torch.cat([messages, crc(name, messages)], 1)


def crc_holds(name: str, received: Bits) -> Bool[Tensor, " blocks"]:
    """Whether the last bits of each received word are the CRC of those before.

    Args:
        name: a key of :data:`POLYNOMIALS`.
        received: ``[blocks, bits + check bits]``.
    """
    length = crc_length(name)
    return (crc(name, received[:, :-length]) == received[:, -length:]).all(1)
