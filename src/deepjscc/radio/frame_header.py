"""The header of a frame: 40 bytes that describe what follows; the last two are the CRC-16 of the others."""

import struct
from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from deepjscc.errors import UsageError
from deepjscc.images import MAX_PIXELS
from deepjscc.radio.spreading import SEGMENTS, SHARES, Spreading
from deepjscc.types import DigitalLayer, IdealCode, Size

MAGIC = b"J"
VERSION = 2
STRONG_BYTES = 4  # most bytes of side information that the header itself holds
STRONGEST_RATE = 1 / 8  # highest rate of side information that belongs in the header
LARGEST_WEAK = 1 << 20  # most bytes of side information behind the header; the map of 178 megapixels is smaller
HIGHEST_EIGHTHS = 14  # highest rate of that side information, in eighths of a bit per use: the code's with QPSK
MAX_BASE_BYTES = (1 << 24) - 1  # most bytes of a digital base layer
HEADER_LENGTHS = (4, 8, 16, 32)  # blocks of a header; a longer one has a lower code rate
HEADER_MARGIN_DB = 10.0  # by how much the SNR may fall below the design SNR until the header is lost
LOWEST_SNR_DB = {4: -2.0, 8: -5.0, 16: -8.0, 32: -11.0}  # at which a header of each length is decoded
PILOT_SPACINGS = (480, 240)  # pulses of data between two groups of pilots among the image's symbols


class Waveform(IntEnum):
    """Waveform of the image's symbols."""

    SINGLE_CARRIER = 0
    OFDM = 1


@dataclass(frozen=True)
class FrameHeader:
    """The header of a frame; the bandwidth ratio follows from its counts and the image's size.

    Attributes:
        sequence: number of the frame, modulo 256.
        weights_hash: the first 12 hex digits of the SHA-256 of the model's weights.
        height, width: size of the image in pixels.
        uses: number of complex symbols of the image.
        strong: side information that is protected like the header, at most four bytes; empty: none.
        weak_bytes: length of the side information behind the header; 0: none.
        weak_eighths: its rate, in eighths of a bit per complex use.
        waveform: waveform of the symbols.
        spreading: how the symbols are spread; None: they are sent in order.
        pilot_spacing: pulses of data between two groups of pilots among the symbols of a single carrier.
        base_design: modulation and code of a digital base layer under the symbols; 0: there is none. Reserved: no
            transmitter uses it yet.
        base_bytes: length of the base layer's message.
        blocks: length of the header itself in blocks; a receiver decodes the first of them where noise allows.
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
    spreading: Spreading | None = None
    pilot_spacing: int = PILOT_SPACINGS[0]
    base_design: int = 0
    base_bytes: int = 0
    blocks: int = HEADER_LENGTHS[0]

    BYTES: ClassVar[int] = 40
    _LAYOUT: ClassVar[struct.Struct] = struct.Struct(">1sBBB6sHHI4sB3s8sB3s")  # and the CRC-16

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
        if self.spreading is not None and not _valid(self.spreading):
            raise UsageError(f"the spreading needs {SEGMENTS} numbers below {SHARES}, not {self.spreading}")
        if self.pilot_spacing not in PILOT_SPACINGS or self.blocks not in HEADER_LENGTHS:
            raise UsageError(f"a pilot spacing of {self.pilot_spacing} or a header of {self.blocks} blocks is unknown")
        if not 0 <= self.base_design <= 0xFF or not 0 <= self.base_bytes <= MAX_BASE_BYTES:
            raise UsageError(f"a base layer of design {self.base_design} cannot have {self.base_bytes} bytes")

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
        """The 40 bytes of the header, big-endian."""
        shares = self.spreading or (0,) * SEGMENTS
        flags = self.waveform | PILOT_SPACINGS.index(self.pilot_spacing) << 1 | (self.spreading is not None) << 2
        flags |= HEADER_LENGTHS.index(self.blocks) << 3
        body = self._LAYOUT.pack(
            MAGIC,
            VERSION,
            flags,
            self.sequence % 256,
            bytes.fromhex(self.weights_hash),
            self.height,
            self.width,
            self.uses,
            self.strong,
            len(self.strong) << 4 | self.weak_eighths,
            self.weak_bytes.to_bytes(3, "big"),
            bytes(first << 4 | second for first, second in zip(shares[::2], shares[1::2], strict=True)),
            self.base_design,
            self.base_bytes.to_bytes(3, "big"),
        )
        return body + crc_hqx(body, 0).to_bytes(2, "big")

    @classmethod
    def unpack(cls, data: bytes) -> "FrameHeader":
        """Read the bytes of :meth:`pack`.

        Raises:
            UsageError: a wrong checksum, another version, or impossible sizes.
        """
        body, check = data[:-2], data[-2:]
        if len(data) != cls.BYTES or crc_hqx(body, 0).to_bytes(2, "big") != check:
            raise UsageError("the header's CRC-16 is wrong")
        magic, version, flags, sequence, model, height, width, uses, strong, lengths, weak, shares, design, base = (
            cls._LAYOUT.unpack(body)
        )
        if (magic, version) != (MAGIC, VERSION) or flags >= 1 << 5 or lengths >> 4 > STRONG_BYTES:
            raise UsageError(f"a frame of version {version} with flags {flags}; this receiver reads version {VERSION}")
        spreading = tuple(nibble for byte in shares for nibble in (byte >> 4, byte & 15))
        return cls(
            sequence,
            model.hex(),
            height,
            width,
            uses,
            strong[: lengths >> 4],
            int.from_bytes(weak, "big"),
            lengths & 15,
            Waveform(flags & 1),
            spreading if flags >> 2 & 1 else None,
            PILOT_SPACINGS[flags >> 1 & 1],
            design,
            int.from_bytes(base, "big"),
            HEADER_LENGTHS[flags >> 3],
        )


def header_blocks(design_snr_db: float) -> int:
    """The shortest header that is decoded :data:`HEADER_MARGIN_DB` below the design SNR; else the longest."""
    lowest = design_snr_db - HEADER_MARGIN_DB
    return next((blocks for blocks in HEADER_LENGTHS if LOWEST_SNR_DB[blocks] <= lowest), HEADER_LENGTHS[-1])


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


def _valid(spreading: Spreading) -> bool:
    return len(spreading) == SEGMENTS and all(0 <= share < SHARES for share in spreading)
