"""The part of a frame behind its header: side information and the image's symbols, as far as samples have come."""

from collections.abc import Iterator

import numpy as np

from deepjscc.radio.events import Event, FrameEnded, SideInfoReceived, SymbolsReceived
from deepjscc.radio.frame import Layout
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.frame_tracker import BLOCKS_PER_UPDATE, EqualisedSymbols, FrameTracker
from deepjscc.radio.protection import read_protected

HISTORY = 600  # half symbol times before the next pulse that its equaliser and interpolation may read


class PayloadReader:
    """Demodulates one frame behind its header.

    Args:
        header: the decoded header.
        tracker: stands behind the header.

    Attributes:
        complete: whether all symbols have been read.
    """

    def __init__(self, header: FrameHeader, tracker: FrameTracker) -> None:
        self._header, self._tracker, self._layout = header, tracker, Layout.of(header)
        self._received = 0

    @property
    def complete(self) -> bool:
        """Whether all symbols of the image have been read."""
        return self._received == self._header.uses

    @property
    def oldest_needed(self) -> int:
        """Half symbol time before which samples are no longer needed."""
        return self._tracker.half_symbols(self._tracker.next_pulse) - HISTORY

    def advance(self, until: int) -> Iterator[Event]:
        """Demodulate what lies before a half symbol time.

        Yields:
            The side information once, symbols as they come, and the end of the frame when all have come.
        """
        if self.complete:
            return
        if self._tracker.next_pulse < self._layout.payload_start:
            if self._tracker.half_symbols(self._layout.payload_start) > until:
                return
            side_info = (self._header.strong, self._read_side_info())
            yield SideInfoReceived(side_info, self._tracker.cfo, self._tracker.snr_db)
        parts = list(self._read_symbols(until))
        if parts:
            symbols = np.concatenate([part.symbols for part in parts])
            noise = np.concatenate([part.noise_variance for part in parts])
            yield SymbolsReceived(symbols, noise, self._tracker.cfo, self._tracker.snr_db)
        if self.complete:
            yield FrameEnded(complete=True)

    def _read_symbols(self, until: int) -> Iterator[EqualisedSymbols]:
        ofdm, each = self._layout.waveform == Waveform.OFDM, self._layout.block_pulses
        while (left := (self._layout.pulses - self._tracker.next_pulse) // each) > 0:
            count = min(left, BLOCKS_PER_UPDATE)
            if self._tracker.half_symbols(self._tracker.next_pulse + count * each) > until:
                return
            part = self._tracker.ofdm_symbols(count) if ofdm else self._tracker.blocks(count)
            missing = self._header.uses - self._received
            part = EqualisedSymbols(part.symbols[:missing], part.noise_variance[:missing])
            self._received += len(part.symbols)
            yield part

    def _read_side_info(self) -> bytes | None:
        """The side information behind the header; None where it could not be decoded."""
        left, parts = self._layout.weak_blocks, list[EqualisedSymbols]()
        while left:
            parts.append(self._tracker.blocks(min(left, BLOCKS_PER_UPDATE)))
            left -= min(left, BLOCKS_PER_UPDATE)
        symbols = np.concatenate([part.symbols for part in parts])
        noise = float(np.mean([part.noise_variance[0] for part in parts]))
        return read_protected(symbols, noise, self._header.weak_bytes, self._header.weak_eighths)
