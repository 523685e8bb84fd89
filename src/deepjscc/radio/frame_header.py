"""The header of a frame: 32 bytes that describe the symbols; the last four are the CRC-32 of the others."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar
from zlib import crc32

from deepjscc.errors import UsageError
from deepjscc.images import MAX_PIXELS
from deepjscc.types import DigitalLayer, IdealCode, Size

MAGIC = b"DJ"
VERSION = 1
STRONG_BYTES = 4  # most bytes of side information that the header itself holds
STRONGEST_RATE = 1 / 8  # highest rate of side information that belongs in the header
LARGEST_WEAK = 1 << 20  # most bytes of side information behind the header; the map of 178 megapixels is smaller
HIGHEST_EIGHTHS = 14  # highest rate of that side information, in eighths of a bit per use: the code's with QPSK


class Waveform(IntEnum):
    """Waveform of the image's symbols."""

    SINGLE_CARRIER = 0
    OFDM = 1


@dataclass(frozen=True)
class FrameHeader:
    """What a receiver must know; the bandwidth ratio follows from the counts and the image's size.

    Attributes:
        sequence: number of the frame, modulo 256.
        weights_hash: the first 12 hex digits of the SHA-256 of the model's weights.
        height, width: size of the image in pixels.
        uses: number of complex symbols of the image.
        strong: side information that is protected like the header, at most four bytes; empty: none.
        weak_bytes: length of the side information behind the header; 0: none.
        weak_eighths: its rate, in eighths of a bit per complex use.
        waveform: waveform of the symbols.
    """

    sequence: int
    weights_hash: str
    height: int
    width: int
    uses: int
    strong: bytes = b""
    weak_bytes: int = 0
    weak_eighths: int = 0
    waveform: Waveform = Waveform.SINGLE_CARRIER

    BYTES: ClassVar[int] = 32
    _LAYOUT: ClassVar[struct.Struct] = struct.Struct(">2sBBB6sHHIB4s3sB")  # and the CRC-32

    def __post_init__(self) -> None:
        pixels = self.height * self.width
        if not 0 < pixels <= MAX_PIXELS or max(self.height, self.width) > 0xFFFF:
            raise UsageError(f"a frame cannot hold {self.width}x{self.height} pixels")
        if not 0 < self.uses <= max_uses(self.size):
            raise UsageError(f"an image of {self.width}x{self.height} pixels cannot have {self.uses} symbols")
        if len(self.strong) > STRONG_BYTES or not 0 <= self.weak_bytes <= LARGEST_WEAK:
            raise UsageError(f"a frame cannot hold side information of {len(self.strong)} and {self.weak_bytes} bytes")
        if (self.weak_bytes > 0) != (0 < self.weak_eighths <= HIGHEST_EIGHTHS) or self.weak_eighths < 0:
            raise UsageError(f"side information of {self.weak_bytes} bytes cannot have the rate {self.weak_eighths}/8")

    @property
    def size(self) -> Size:
        """Height and width of the image."""
        return self.height, self.width

    @property
    def bandwidth_ratio(self) -> float:
        """Complex uses per source value, with side information counted at its rates."""
        strong = DigitalLayer(self.strong, IdealCode(STRONGEST_RATE)).uses
        weak = DigitalLayer(bytes(self.weak_bytes), IdealCode(max(self.weak_eighths, 1) / 8)).uses
        return (self.uses + strong + weak) / (3 * self.height * self.width)

    def pack(self) -> bytes:
        """The 32 bytes of the header, big-endian."""
        body = self._LAYOUT.pack(
            MAGIC,
            VERSION,
            self.waveform,
            self.sequence % 256,
            bytes.fromhex(self.weights_hash),
            self.height,
            self.width,
            self.uses,
            len(self.strong),
            self.strong,
            self.weak_bytes.to_bytes(3, "big"),
            self.weak_eighths,
        )
        return body + crc32(body).to_bytes(4, "big")

    @classmethod
    def unpack(cls, data: bytes) -> "FrameHeader":
        """Read the bytes of :meth:`pack`.

        Raises:
            UsageError: a wrong checksum, another version, or impossible sizes.
        """
        body, check = data[:-4], data[-4:]
        if len(data) != cls.BYTES or crc32(body).to_bytes(4, "big") != check:
            raise UsageError("the header's CRC-32 is wrong")
        magic, version, waveform, sequence, model, height, width, uses, strong, part, weak, rate = cls._LAYOUT.unpack(
            body
        )
        if (magic, version) != (MAGIC, VERSION) or waveform not in list(Waveform) or strong > STRONG_BYTES:
            raise UsageError(
                f"a header of version {version} and waveform {waveform}; this receiver reads version {VERSION}"
            )
        weak_bytes = int.from_bytes(weak, "big")
        return cls(sequence, model.hex(), height, width, uses, part[:strong], weak_bytes, rate, Waveform(waveform))


def max_uses(size: Size) -> int:
    """Largest number of symbols of an image: one per source value of the image padded to multiples of 64 pixels."""
    height, width = (side + -side % 64 for side in size)
    return 3 * height * width


def split_side_info(layers: tuple[DigitalLayer, ...]) -> tuple[bytes, bytes, int]:
    """Split an image's digital layers into the part in the header and the part behind it.

    Returns:
        Bytes in the header, bytes behind it, and the rate of the latter in eighths of a bit per complex use.

    Raises:
        UsageError: layers that fit neither.
    """
    rates = [layer.code.rate if isinstance(layer.code, IdealCode) else 0.0 for layer in layers]
    data = [layer.data or b"" for layer in layers]
    if len(layers) > 2 or (layers and (len(data[0]) > STRONG_BYTES or not rates[0] >= STRONGEST_RATE)):
        raise UsageError(f"digital layers of {[len(one) for one in data]} bytes do not fit into a frame")
    weak, eighths = (data[1], 8 * rates[1]) if len(layers) > 1 else (b"", 1)
    if eighths != int(eighths) or not 0 < eighths <= HIGHEST_EIGHTHS or len(weak) > LARGEST_WEAK:
        raise UsageError(f"a digital layer of {len(weak)} bytes at this rate does not fit into a frame")
    return (data[0] if layers else b""), weak, int(eighths) if weak else 0
