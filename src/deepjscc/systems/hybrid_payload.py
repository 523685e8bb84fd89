"""The bytes of a hybrid's digital layers: the base with the analog layer's side information, and the coarse layer."""

from dataclasses import dataclass

from deepjscc.errors import UsageError
from deepjscc.models.block_code.header import Header

_LENGTH, _SIDE, _GAIN = 3, 1, 2  # bytes of the codestream's length, of the side information's length, of the gain
BASE_OVERHEAD = _LENGTH + _SIDE + _GAIN
COARSE_OVERHEAD = 2


@dataclass(frozen=True)
class Base:
    """The content of the base layer.

    Attributes:
        stream: codestream of the source codec.
        side_info: levels of the residual, from which the receiver derives the variances of the analog code.
        gain_index: quantised factor by which the analog symbols were scaled to mean power 1.
    """

    stream: bytes
    side_info: bytes = b""
    gain_index: int = 0

    @property
    def gain(self) -> float:
        """Factor by which the analog symbols were scaled."""
        return Header(0, self.gain_index).gain

    def pack(self) -> bytes:
        """Serialise the layer: lengths, gain, side information, codestream."""
        if len(self.side_info) > 255:
            raise UsageError(f"{len(self.side_info)} bytes of side information are more than a base holds")
        lengths = len(self.stream).to_bytes(_LENGTH, "big") + bytes([len(self.side_info)])
        return lengths + self.gain_index.to_bytes(_GAIN, "big") + self.side_info + self.stream

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
        gain_index = int.from_bytes(data[_LENGTH + _SIDE : BASE_OVERHEAD], "big")
        return Base(data[start : start + length], data[BASE_OVERHEAD:start], min(gain_index, 1023))


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
