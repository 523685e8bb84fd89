"""The 24 bits that a block code sends of each image beside its symbols, and the rates of its side information.

They are a header, or where a budget is too small for symbols to be of use, the mean colour of the image in its place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.types import DigitalLayer, SnrDb

SMALL_BUDGET = 768  # channel uses below which a header at the lowest rate, 192 uses, takes more than a quarter
COLOUR_BITS = (6, 7, 6)  # of red, green and blue
COLOUR_CHECK = 0b01001  # added to the check bits of a colour: no header is one, nor becomes one by an error of one bit
EXACT_GAIN_SNR_DB = 20.0  # SNR above which an image is scaled by just the gain that its header can tell
EXACT_GAIN_WIDE_SNR_DB = 10.0  # the same where more than a quarter of a complex symbol goes for each value
MAP_RATES = (0.0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 1.0)  # bits per complex use; 0: there is no map


@dataclass(frozen=True)
class Header:
    """6 bits for the SNR the powers are for, 10 for the image's power gain, 3 for the map's rate, 5 to check them.

    Attributes:
        snr_index: the SNR in whole dB above -20, 0 to 63.
        gain_index: the amplitude gain, log2 in steps of 1/64 above -6, 0 to 1023.
        map_index: the rate of the class map among :data:`MAP_RATES`; 0: every block is of the average class.
    """

    snr_index: int
    gain_index: int = 6 * 64  # an image of average power: gain 1
    map_index: int = 0

    BYTES: ClassVar[int] = 3
    USES: ClassVar[int] = DigitalLayer(bytes(BYTES)).uses

    @staticmethod
    def of(snr_db: float, gain: float = 1.0, map_index: int = 0) -> "Header":
        """The nearest header; what lies outside its range is clamped to it."""
        index = round(min(max(snr_db, -20.0), 43.0)) + 20
        return Header(index, min(max(round(64 * (math.log2(gain) + 6)), 0), 1023), map_index)

    @staticmethod
    def gain_below(gain: Tensor) -> Tensor:
        """The greatest gains that a header can tell and that are no greater, at most 1.1% less; others as they are.

        A gain known to half a step, 0.5%, limits a picture of much contrast to some 55 dB of PSNR.
        """
        steps = (64 * (gain.log2() + 6) + 1e-3).floor()
        return torch.where((steps >= 0) & (steps < 1024), 2.0 ** (steps / 64 - 6), gain)

    @property
    def snr_db(self) -> float:
        """SNR the powers were allocated for."""
        return self.snr_index - 20.0

    @property
    def gain(self) -> float:
        """Amplitude by which the image's latent was scaled to reach mean power 1."""
        return 2.0 ** (self.gain_index / 64 - 6)

    def pack(self) -> bytes:
        """Three bytes, big-endian."""
        word = self.snr_index << 13 | self.gain_index << 3 | self.map_index
        return (word << 5 | _check(word)).to_bytes(self.BYTES, "big")

    @staticmethod
    def unpack(data: bytes) -> "Header":
        """Undo :meth:`pack`.

        Raises:
            UsageError: not a header, or a damaged one.
        """
        word, check = divmod(int.from_bytes(data, "big"), 32)
        if len(data) != Header.BYTES or _check(word) != check:
            raise UsageError(f"the side information {data.hex()} is damaged: not the {Header.BYTES} bytes of a header")
        return Header(word >> 13, word >> 3 & 1023, word & 7)


@dataclass(frozen=True)
class MeanColour:
    """An image that is sent as its mean colour alone: 19 bits for it, 5 to check them.

    Attributes:
        levels: of red, green and blue, in steps of 1/63, 1/127 and 1/63.
    """

    levels: tuple[int, int, int]

    @staticmethod
    def of(colour: Sequence[float]) -> "MeanColour":
        """The nearest to a colour in [0, 1]."""
        red, green, blue = (
            round(min(max(value, 0.0), 1.0) * ((1 << bits) - 1))
            for value, bits in zip(colour, COLOUR_BITS, strict=True)
        )
        return MeanColour((red, green, blue))

    @property
    def colour(self) -> list[float]:
        """Red, green and blue in [0, 1]."""
        return [level / ((1 << bits) - 1) for level, bits in zip(self.levels, COLOUR_BITS, strict=True)]

    def pack(self) -> bytes:
        """Three bytes, big-endian."""
        word = 0
        for level, bits in zip(self.levels, COLOUR_BITS, strict=True):
            word = word << bits | level
        return (word << 5 | _check(word) ^ COLOUR_CHECK).to_bytes(Header.BYTES, "big")

    @staticmethod
    def unpack(data: bytes) -> "MeanColour | None":
        """Undo :meth:`pack`; None for bytes that are no colour, such as those of a header."""
        word, check = divmod(int.from_bytes(data, "big"), 32)
        if len(data) != Header.BYTES or _check(word) ^ COLOUR_CHECK != check:
            return None
        return MeanColour((word >> 13, word >> 6 & 127, word & 63))


def needs_exact_gain(snr_db: SnrDb, uses: Int[Tensor, " batch"], values: int) -> Bool[Tensor, " batch"]:
    """Whether the header's rounding of the gain would limit a picture.

    Args:
        snr_db: planned for.
        uses: symbols of each image.
        values: of the padded image.
    """
    return (snr_db > EXACT_GAIN_SNR_DB) | ((snr_db > EXACT_GAIN_WIDE_SNR_DB) & (4 * uses > values))


def header_rate(budget: int, lasting_snr_db: float) -> float:
    """Rate of the header in bits per complex use: the lowest, or in a small budget the fastest that still arrives.

    Args:
        budget: channel uses of the image in all.
        lasting_snr_db: SNR down to which the header must arrive.
    """
    fastest = MAP_RATES[map_index(lasting_snr_db)] if budget < SMALL_BUDGET else 0.0
    return max(fastest, MAP_RATES[1])


def map_index(snr_db: float) -> int:
    """The fastest rate of a map that an ideal code brings through at ``snr_db``; 0 where none does."""
    capacity = math.log2(1 + 10 ** (min(snr_db, 100.0) / 10))
    return max(index for index, rate in enumerate(MAP_RATES) if rate <= capacity)


def _check(word: int) -> int:
    """CRC-5 (x^5 + x^2 + 1) of 19 bits, from all ones."""
    check = 31
    for bit in range(18, -1, -1):
        check = (check << 1) ^ (0x25 if (check >> 4 ^ word >> bit) & 1 else 0)
    return check & 31
