"""A frame as amplitudes of pulses: preamble, header, side information and symbols, with pilots in between.

::

    | preamble 1016 | header, 4 to 32 blocks | side information, whole blocks | symbols, whole blocks or OFDM symbols |
    one block of the header or of side information: | 16 pilots | 240 data |
    one block of symbols:                           | 16 pilots | 480 data |
"""

from dataclasses import dataclass

import numpy as np

from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.ofdm_symbols import DATA_SUBCARRIERS, OFDM_PULSES, modulate
from deepjscc.radio.protection import DATA, header_pulses, pieces, protected_pulses
from deepjscc.radio.spreading import BLOCK_SYMBOLS, block_count, spread
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, pilots, preamble

PILOTS = 16  # pilots of a block, and of an OFDM symbol
BLOCK_PULSES = PILOTS + DATA


def header_end(blocks: int) -> int:
    """Number of pulses of preamble and header."""
    return PREAMBLE_PULSES + blocks * BLOCK_PULSES


@dataclass(frozen=True)
class Layout:
    """The positions of a frame's parts.

    Attributes:
        header_blocks: number of blocks of the header.
        weak_blocks: number of blocks of side information behind the header.
        payload_blocks: number of blocks, or OFDM symbols, of the image's symbols.
        block_data: symbols of a payload block, or of an OFDM symbol.
        waveform: waveform of the image's symbols.
    """

    header_blocks: int
    weak_blocks: int
    payload_blocks: int
    block_data: int
    waveform: Waveform

    @staticmethod
    def of(header: FrameHeader) -> "Layout":
        """The layout that a header describes; the payload has whole spread blocks."""
        count, _, uses = pieces(header.weak_bytes, header.weak_eighths)
        data = DATA_SUBCARRIERS if header.waveform == Waveform.OFDM else header.pilot_spacing
        payload = block_count(header.uses) * BLOCK_SYMBOLS // data
        return Layout(header.blocks, count * uses // DATA, payload, data, header.waveform)

    @property
    def payload_start(self) -> int:
        """Number of the first pulse of the image's symbols."""
        return header_end(self.header_blocks) + self.weak_blocks * BLOCK_PULSES

    @property
    def block_pulses(self) -> int:
        """Pulses of a block, or of an OFDM symbol, of the image's symbols."""
        return OFDM_PULSES if self.waveform == Waveform.OFDM else PILOTS + self.block_data

    @property
    def pulses(self) -> int:
        """Pulses of the whole frame."""
        return self.payload_start + self.payload_blocks * self.block_pulses

    def overhead(self, uses: int) -> dict[str, int]:
        """The number of pulses, by purpose, that the frame needs beside the image's ``uses`` symbols."""
        blocks = self.header_blocks + self.weak_blocks
        pilot_pulses = self.payload_blocks * PILOTS if self.waveform == Waveform.SINGLE_CARRIER else 0
        payload = self.payload_blocks * self.block_pulses
        return {
            "preamble": PREAMBLE_PULSES,
            "header": self.header_blocks * DATA,
            "side_info": self.weak_blocks * DATA,
            "pilots": blocks * PILOTS + pilot_pulses,
            "waveform": payload - pilot_pulses - uses,
        }


def frame_pulses(header: FrameHeader, symbols: Pulses, weak: bytes = b"") -> Pulses:
    """The amplitudes of all pulses of a frame.

    Args:
        header: the frame's header; its counts must be those of the other arguments.
        symbols: the image's symbols, mean power 1.
        weak: side information behind the header.
    """
    if len(symbols) != header.uses or len(weak) != header.weak_bytes:
        raise ValueError(f"{len(symbols)} symbols and {len(weak)} bytes are not as many as the header says")
    layout, ofdm = Layout.of(header), header.waveform == Waveform.OFDM
    side_info = with_pilots(protected_pulses(weak, header.weak_eighths), PILOTS * layout.header_blocks)
    first = PILOTS * (layout.header_blocks + layout.weak_blocks)
    if header.spreading is None:
        data = np.pad(symbols, (0, -len(symbols) % BLOCK_SYMBOLS))
    else:
        data = spread(symbols, header.spreading, transform=not ofdm)
    payload = modulate(data, first) if ofdm else with_pilots(data, first, layout.block_data)
    return np.concatenate([known_pulses(header), side_info, payload]).astype(np.complex64)


def known_pulses(header: FrameHeader) -> Pulses:
    """The pulses of preamble and header, all of which follow from the header."""
    return np.concatenate([preamble(), with_pilots(header_pulses(header.pack(), header.blocks), 0)]).astype(
        np.complex64
    )


def with_pilots(data: Pulses, first_pilot: int, block_data: int = DATA) -> Pulses:
    """Insert a group of pilots before every block of data."""
    blocks = data.reshape(-1, block_data)
    known = pilots(first_pilot, PILOTS * len(blocks)).reshape(-1, PILOTS)
    return np.concatenate([known, blocks], axis=1).reshape(-1)
