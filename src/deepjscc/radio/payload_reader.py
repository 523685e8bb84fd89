"""The part of a frame behind its header: side information and the image's symbols, as far as samples have come."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from deepjscc.radio.events import Event, FrameEnded, SideInfoReceived, SymbolsReceived
from deepjscc.radio.frame import Layout
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.frame_tracker import BLOCKS_PER_UPDATE, EqualisedSymbols, FrameTracker
from deepjscc.radio.protection import read_protected
from deepjscc.radio.spreading import invert_transform, spread_order
from deepjscc.radio.zadoff_chu import Pulses

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
        self._read = self._received = 0  # places of the payload, and symbols of the image, read so far
        self._order = None if header.spreading is None else spread_order(header.spreading, header.uses).reshape(-1)

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
            index, symbols, noise = self._in_image(parts)
            self._received += len(index)
            yield SymbolsReceived(index, symbols, noise, self._tracker.cfo, self._tracker.snr_db)
        if self.complete:
            yield FrameEnded(complete=True)

    def _read_symbols(self, until: int) -> Iterator[EqualisedSymbols]:
        layout, each = self._layout, self._layout.block_pulses
        while (left := (layout.pulses - self._tracker.next_pulse) // each) > 0:
            count = min(left, BLOCKS_PER_UPDATE)
            if self._tracker.half_symbols(self._tracker.next_pulse + count * each) > until:
                return
            if layout.waveform == Waveform.OFDM:
                yield self._tracker.ofdm_symbols(count)
            else:
                yield self._tracker.blocks(count, layout.block_data)

    def _in_image(
        self, parts: list[EqualisedSymbols]
    ) -> tuple[Int[np.ndarray, " pulses"], Pulses, Float[np.ndarray, " pulses"]]:
        """Symbols without their spreading and without padding: their numbers, values and noise variances."""
        symbols = np.concatenate([part.symbols for part in parts])
        noise = np.concatenate([part.noise_variance for part in parts])
        places = np.arange(self._read, self._read + len(symbols))
        self._read += len(symbols)
        if self._order is not None:
            places = self._order[places]
            if self._layout.waveform == Waveform.SINGLE_CARRIER:
                symbols = invert_transform(symbols)
        kept = places < self._header.uses
        return places[kept], symbols[kept], noise[kept]

    def _read_side_info(self) -> bytes | None:
        """The side information behind the header; None where it could not be decoded."""
        left, parts = self._layout.weak_blocks, list[EqualisedSymbols]()
        while left:
            parts.append(self._tracker.blocks(min(left, BLOCKS_PER_UPDATE)))
            left -= min(left, BLOCKS_PER_UPDATE)
        symbols = np.concatenate([part.symbols for part in parts])
        noise = float(np.mean([part.noise_variance[0] for part in parts]))
        return read_protected(symbols, noise, self._header.weak_bytes, self._header.weak_eighths)
