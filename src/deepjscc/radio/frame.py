"""A frame as amplitudes of pulses: preamble, header, side information and symbols, with pilots in between.

::

    | preamble 1016 | header 24 blocks | side information, whole blocks | symbols, whole blocks or OFDM symbols |
    one block: | 16 pilots | 240 data |
"""

import math
from dataclasses import dataclass

import numpy as np

from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.ofdm_symbols import DATA_SUBCARRIERS, OFDM_PULSES, modulate
from deepjscc.radio.protection import DATA, HEADER_PULSES, header_pulses, pieces, protected_pulses
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, pilots, preamble

PILOTS = 16  # pilots of a block, and of an OFDM symbol
BLOCK_PULSES = PILOTS + DATA
HEADER_BLOCKS = HEADER_PULSES // DATA
HEADER_END = PREAMBLE_PULSES + HEADER_BLOCKS * BLOCK_PULSES


@dataclass(frozen=True)
class Layout:
    """The positions of a frame's parts.

    Attributes:
        weak_blocks: number of blocks of side information behind the header.
        payload_blocks: number of blocks, or OFDM symbols, of the image's symbols.
        waveform: waveform of the image's symbols.
    """

    weak_blocks: int
    payload_blocks: int
    waveform: Waveform

    @staticmethod
    def of(header: FrameHeader) -> "Layout":
        """The layout that a header describes."""
        count, _, uses = pieces(header.weak_bytes, header.weak_eighths)
        each = DATA_SUBCARRIERS if header.waveform == Waveform.OFDM else DATA
        return Layout(count * uses // DATA, math.ceil(header.uses / each), header.waveform)

    @property
    def payload_start(self) -> int:
        """Number of the first pulse of the image's symbols."""
        return HEADER_END + self.weak_blocks * BLOCK_PULSES

    @property
    def block_pulses(self) -> int:
        """Pulses of a block, or of an OFDM symbol, of the image's symbols."""
        return OFDM_PULSES if self.waveform == Waveform.OFDM else BLOCK_PULSES

    @property
    def pulses(self) -> int:
        """Pulses of the whole frame."""
        return self.payload_start + self.payload_blocks * self.block_pulses

    def overhead(self, uses: int) -> dict[str, int]:
        """The number of pulses, by purpose, that the frame needs beside the image's ``uses`` symbols."""
        blocks = HEADER_BLOCKS + self.weak_blocks
        return {
            "preamble": PREAMBLE_PULSES,
            "header": HEADER_BLOCKS * DATA,
            "side_info": self.weak_blocks * DATA,
            "pilots": (blocks + (self.payload_blocks if self.waveform == Waveform.SINGLE_CARRIER else 0)) * PILOTS,
            "waveform": self.pulses
            - PREAMBLE_PULSES
            - blocks * BLOCK_PULSES
            - uses
            - (self.payload_blocks * PILOTS if self.waveform == Waveform.SINGLE_CARRIER else 0),
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
    layout = Layout.of(header)
    side_info = with_pilots(protected_pulses(weak, header.weak_eighths), PILOTS * HEADER_BLOCKS)
    first = PILOTS * (HEADER_BLOCKS + layout.weak_blocks)
    if layout.waveform == Waveform.OFDM:
        payload = modulate(_whole(symbols, DATA_SUBCARRIERS), first)
    else:
        payload = with_pilots(_whole(symbols, DATA), first)
    return np.concatenate([known_pulses(header), side_info, payload]).astype(np.complex64)


def known_pulses(header: FrameHeader) -> Pulses:
    """The pulses of preamble and header, all of which follow from the header."""
    return np.concatenate([preamble(), with_pilots(header_pulses(header.pack()), 0)]).astype(np.complex64)


def with_pilots(data: Pulses, first_pilot: int) -> Pulses:
    """Insert a group of pilots before every block of data."""
    blocks = data.reshape(-1, DATA)
    known = pilots(first_pilot, PILOTS * len(blocks)).reshape(-1, PILOTS)
    return np.concatenate([known, blocks], axis=1).reshape(-1)


def _whole(symbols: Pulses, multiple: int) -> Pulses:
    """Pad with zeros to whole blocks."""
    return np.pad(symbols, (0, -len(symbols) % multiple))
