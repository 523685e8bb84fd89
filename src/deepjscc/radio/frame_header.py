"""The header of a frame on the air: 32 bytes that say what the symbols are, the last four their CRC-32."""

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
STRONG_BYTES = 4  # of side information that go in the header itself
STRONGEST_RATE = 1 / 8  # parts of this rate and below belong there
LARGEST_WEAK = 1 << 20  # bytes of side information behind the header: 178 megapixels have a smaller map
HIGHEST_EIGHTHS = 14  # rate of that side information, in eighths of a bit per use: the LDPC code's highest with QPSK


class Waveform(IntEnum):
    """How the symbols travel."""

    SINGLE_CARRIER = 0
    OFDM = 1


@dataclass(frozen=True)
class FrameHeader:
    """What a receiver must know. The bandwidth ratio follows from ``uses``, side information and image size.

    Attributes:
        sequence: number of the frame, modulo 256.
        weights_hash: the first 12 hex digits of the SHA-256 of the model's weights.
        height, width: of the image.
        uses: complex symbols of the image.
        strong: side information that is as well protected as the header, at most four bytes; empty: none.
        weak_bytes: length of the side information behind the header; 0: none.
        weak_eighths: its rate, in eighths of a bit per complex use.
        waveform: of the symbols.
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
            raise UsageError(f"no frame holds {self.width}x{self.height} pixels")
        if not 0 < self.uses <= most_uses(self.size):
            raise UsageError(f"{self.uses} symbols are none of an image of {self.width}x{self.height}")
        if len(self.strong) > STRONG_BYTES or not 0 <= self.weak_bytes <= LARGEST_WEAK:
            raise UsageError(f"side information of {len(self.strong)} and {self.weak_bytes} bytes fits no frame")
        if (self.weak_bytes > 0) != (0 < self.weak_eighths <= HIGHEST_EIGHTHS) or self.weak_eighths < 0:
            raise UsageError(f"side information of {self.weak_bytes} bytes cannot go at {self.weak_eighths}/8")

    @property
    def size(self) -> Size:
        """Height, width."""
        return self.height, self.width

    @property
    def bandwidth_ratio(self) -> float:
        """Complex uses per source value, side information counted at its rates."""
        strong = DigitalLayer(self.strong, IdealCode(STRONGEST_RATE)).uses
        weak = DigitalLayer(bytes(self.weak_bytes), IdealCode(max(self.weak_eighths, 1) / 8)).uses
        return (self.uses + strong + weak) / (3 * self.height * self.width)

    def pack(self) -> bytes:
        """The 32 bytes, big-endian."""
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
        """Undo :meth:`pack`.

        Raises:
            UsageError: a wrong checksum, another version, or sizes that no image has.
        """
        body, check = data[:-4], data[-4:]
        if len(data) != cls.BYTES or crc32(body).to_bytes(4, "big") != check:
            raise UsageError("the header's CRC-32 differs")
        magic, version, waveform, sequence, model, height, width, uses, strong, part, weak, rate = cls._LAYOUT.unpack(
            body
        )
        if (magic, version) != (MAGIC, VERSION) or waveform not in list(Waveform) or strong > STRONG_BYTES:
            raise UsageError(f"a header of version {version} and waveform {waveform}, not of {VERSION}")
        weak_bytes = int.from_bytes(weak, "big")
        return cls(sequence, model.hex(), height, width, uses, part[:strong], weak_bytes, rate, Waveform(waveform))


def most_uses(size: Size) -> int:
    """Symbols that an image may at most have: one a source value of the image padded to blocks of 64 pixels."""
    height, width = (side + -side % 64 for side in size)
    return 3 * height * width


def split_side_info(layers: tuple[DigitalLayer, ...]) -> tuple[bytes, bytes, int]:
    """Split an image's digital layers into what goes in the header and what goes behind it.

    Returns:
        Bytes in the header, bytes behind it, and the rate of the latter in eighths of a bit per complex use.

    Raises:
        UsageError: layers that the frame has no place for.
    """
    rates = [layer.code.rate if isinstance(layer.code, IdealCode) else 0.0 for layer in layers]
    data = [layer.data or b"" for layer in layers]
    if len(layers) > 2 or (layers and (len(data[0]) > STRONG_BYTES or not rates[0] >= STRONGEST_RATE)):
        raise UsageError(f"digital layers of {[len(one) for one in data]} bytes have no place in a frame")
    weak, eighths = (data[1], 8 * rates[1]) if len(layers) > 1 else (b"", 1)
    if eighths != int(eighths) or not 0 < eighths <= HIGHEST_EIGHTHS or len(weak) > LARGEST_WEAK:
        raise UsageError(f"a digital layer of {len(weak)} bytes at this rate has no place in a frame")
    return (data[0] if layers else b""), weak, int(eighths) if weak else 0
