"""The bytes of a hybrid's digital layers: the base with the analog layer's side information, and the coarse layer.

And the layers of single images as those of a batch.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.models.block_code.header import Header
from deepjscc.types import Encoded

_LENGTH, _SIDE, _GAIN = 3, 1, 2  # bytes of the codestream's length, of the side information's length, of the gain
BASE_OVERHEAD = _LENGTH + _SIDE + _GAIN
COARSE_OVERHEAD = 2
_GAIN_BITS = 10
STEP_DB, LOWEST_DB = 0.1, -1.0  # of what a base tells of the error of its picture


@dataclass(frozen=True)
class Base:
    """The content of the base layer.

    Attributes:
        stream: codestream of the source codec.
        side_info: levels of the residual, from which the receiver derives the variances of the analog code.
        gain_index: quantised factor by which the analog symbols were scaled to mean power 1.
            Without an analog layer it is the PSNR of the base in tenths of a dB; 0 if that is not told.
        error_index: expected error at the design SNR over what the receiver's posterior variances say, in steps of
            :data:`STEP_DB` above :data:`LOWEST_DB`.
    """

    stream: bytes
    side_info: bytes = b""
    gain_index: int = 0
    error_index: int = 0

    @staticmethod
    def alone(stream: bytes, mse: float) -> "Base":
        """A base without an analog layer, which tells the receiver its mean squared error on the scale of images."""
        return Base(stream, gain_index=min(max(round(-10 * math.log10(max(mse, 1e-10)) / STEP_DB), 1), 1000))

    @staticmethod
    def with_analog(stream: bytes, side_info: bytes, gain_index: int, error_ratio: float) -> "Base":
        """A base beneath an analog layer.

        Args:
            stream: of the codec.
            side_info: levels of the residual.
            gain_index: of the analog symbols.
            error_ratio: expected error at the design SNR over what the receiver's posterior variances say.
        """
        steps = round((10 * math.log10(max(error_ratio, 1e-9)) - LOWEST_DB) / STEP_DB)
        return Base(stream, side_info, gain_index, min(max(steps, 0), 63))

    @property
    def error_ratio(self) -> float:
        """Factor that corrects the receiver's posterior variances."""
        return 10 ** ((LOWEST_DB + STEP_DB * self.error_index) / 10)

    @property
    def mse(self) -> float:
        """Mean squared error of a base without an analog layer; NaN where it was not told."""
        return 10 ** (-self.gain_index * STEP_DB / 10) if self.gain_index else math.nan

    @property
    def gain(self) -> float:
        """Factor by which the analog symbols were scaled."""
        return Header(0, self.gain_index).gain

    def pack(self) -> bytes:
        """Serialise the layer: lengths, gain, side information, codestream."""
        if len(self.side_info) > 255:
            raise UsageError(f"{len(self.side_info)} bytes of side information are more than a base holds")
        lengths = len(self.stream).to_bytes(_LENGTH, "big") + bytes([len(self.side_info)])
        word = self.error_index << _GAIN_BITS | self.gain_index
        return lengths + word.to_bytes(_GAIN, "big") + self.side_info + self.stream

    @staticmethod
    def unpack(data: bytes) -> "Base":
        """Undo :meth:`pack`; padding behind the codestream is ignored.

        Raises:
            UsageError: the bytes are not a base.
        """
        length = int.from_bytes(data[:_LENGTH], "big")
        side = data[_LENGTH] if len(data) > _LENGTH else 0
        start = BASE_OVERHEAD + side
        if not length or start + length > len(data):
            raise UsageError("the base of a hybrid transmission is damaged: it is shorter than it says")
        error_index, gain_index = divmod(int.from_bytes(data[_LENGTH + _SIDE : BASE_OVERHEAD], "big"), 1 << _GAIN_BITS)
        return Base(data[start : start + length], data[BASE_OVERHEAD:start], gain_index, error_index)


def pack_coarse(data: bytes | None) -> bytes | None:
    """Put the length of the coarse layer before its bytes; None stays None."""
    return None if data is None else len(data).to_bytes(COARSE_OVERHEAD, "big") + data


def unpack_coarse(data: bytes) -> bytes:
    """Undo :func:`pack_coarse`; bytes that follow the coarse layer are ignored.

    Raises:
        UsageError: the bytes are not a coarse layer.
    """
    length = int.from_bytes(data[:COARSE_OVERHEAD], "big")
    if len(data) < COARSE_OVERHEAD or not length or COARSE_OVERHEAD + length > len(data):
        raise UsageError("the coarse layer of a hybrid transmission is damaged: it is shorter than it says")
    return data[COARSE_OVERHEAD : COARSE_OVERHEAD + length]


def join_encoded(encoded: list[Encoded]) -> Encoded:
    """Single images as one batch, rows filled up with zeros that are not sent."""
    longest = max(one.symbols.shape[1] for one in encoded)
    return Encoded(
        torch.cat([F.pad(one.symbols, (0, longest - one.symbols.shape[1])) for one in encoded]),
        tuple(one.digital[0] for one in encoded),
        tuple(one.counts[0] for one in encoded),
        tuple(one.analog_share[0] for one in encoded),
    )
