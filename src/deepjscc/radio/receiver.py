"""The receiver: samples in, chunk by chunk, and out what was heard of every frame. Nothing is known but the format."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from deepjscc.errors import UsageError
from deepjscc.radio.detector import APART, REACH, Candidate, candidates
from deepjscc.radio.follower import TOGETHER, Follower
from deepjscc.radio.frame import HEADER_BLOCKS, HEADER_END, Layout, known_pulses
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.protection import read_header, read_protected
from deepjscc.radio.pulse import MatchedFilter, Pulse, Samples
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.synchronise import MARGIN, NEAR, Acquisition, acquire_near

LOUDEST = 1e15  # a sample beyond it is as broken as NaN: its square would overflow
NUDGES = (0.0, 2.5, -2.5, 5.0, -5.0)  # standard deviations of the carrier offset
CERTAIN_DB = -6.0  # SNR above which an offset is as good as known
STRETCH = 1 << 14  # half symbol times that are searched at once


@dataclass
class Reception:
    """A frame, or what has come of it so far.

    Attributes:
        sample: number of the sample since the stream began on which the preamble's first pulse is centred.
        cfo: carrier offset in cycles per symbol time.
        snr_db: estimated, of a symbol as the decoder gets it.
        header: None where its checksum is wrong; then there is nothing else.
        symbols: as many as have come, equalised.
        noise_variance: of each.
        side_info: as the decoder takes it, None for a part that was lost.
        complete: whether all symbols have come; False too where another frame began before.
    """

    sample: int
    cfo: float
    snr_db: float
    header: FrameHeader | None = None
    symbols: list[np.ndarray] = field(default_factory=list)
    noise_variance: list[np.ndarray] = field(default_factory=list)
    side_info: tuple[bytes | None, ...] = ()
    complete: bool = False

    @property
    def heard(self) -> int:
        """Symbols that have come."""
        return sum(map(len, self.symbols))


class Receiver:
    """Finds frames in a stream and demodulates them; memory is bounded by one frame's symbols.

    Args:
        pulse: as sent.
        most_uses: symbols that a frame may at most have; a header that claims more counts as broken.

    Attributes:
        broken_samples: that were NaN, infinite or absurdly loud, and were taken as silence.
        lost_headers: preambles whose header could not be read.
        samples: taken in so far.
    """

    def __init__(self, pulse: Pulse, most_uses: int = 1 << 26) -> None:
        self.pulse, self.most_uses = pulse, most_uses
        self.broken_samples = self.lost_headers = self.samples = 0
        self._filter, self._buffer = MatchedFilter(pulse), SampleBuffer()
        self._searched = 0  # half symbol time up to which beginnings have been looked for
        self._silence = 0  # samples of it that were put in where the stream paused
        self._last: int | None = None  # half symbol time at which the samples end, where they do
        self._waiting: deque[Candidate] = deque()
        self._follower: Follower | None = None
        self._reception: Reception | None = None
        self._layout = Layout(0, 0, Waveform.SINGLE_CARRIER)

    def push(self, samples: Samples) -> Iterator[Reception]:
        """Take in samples.

        Yields:
            A frame whenever some of its symbols have come, the same object every time, and once when it is complete or
            cut short; a header that could not be read.
        """
        sound = np.abs(samples.real) + np.abs(samples.imag) < LOUDEST  # False for NaN
        broken = len(samples) - int(sound.sum())
        if broken:
            self.broken_samples += broken
            samples = np.where(sound, samples, 0)
        self.samples += len(samples)
        self._buffer.append(self._filter.push(samples))
        while self._search():
            yield from self._work()
        yield from self._work()
        self._forget()

    def flush(self) -> Iterator[Reception]:
        """Work on everything that has come, as if silence followed; then a frame that has not ended is cut short."""
        step = self.pulse.samples_per_symbol // 2
        self._last = (self.samples + self._silence + 2 * self.pulse.delay) // step
        heard, silence = self.samples, (2 * STRETCH + REACH + APART) * step + 2 * self._filter.room
        yield from self.push(np.zeros(silence, dtype=np.complex64))
        yield from self._cut()
        self.samples, self._silence, self._last = heard, self._silence + silence, None

    def note(self) -> str | None:
        """What is to be said of the samples; None where they were sound."""
        if not self.broken_samples:
            return None
        share = self.broken_samples / self.samples
        hint = "; are they cf32?" if share > 0.01 else ""
        return f"{self.broken_samples} samples were NaN, infinite or absurd and counted as silence{hint}"

    def _search(self) -> bool:
        """Look for beginnings in the next stretch, if enough has come."""
        enough = self._searched + STRETCH + APART + REACH <= self._buffer.end
        if not enough:
            return False
        low = max(self._searched - APART, self._buffer.start)
        stretch = self._buffer.take(low, self._searched + STRETCH + APART + REACH)
        first = self._searched - low
        for found in candidates(stretch, first, first + STRETCH):
            self._waiting.append(Candidate(low + found.at, found.cfo, found.score))
        self._searched += STRETCH
        return True

    def _work(self) -> Iterator[Reception]:
        """Go on with the frame that is being received, and begin those that were found, as far as samples reach."""
        while self._waiting:
            candidate = self._waiting[0]
            needed = candidate.at + 2 * HEADER_END + NEAR + STRETCH // 8
            if needed > self._buffer.end:
                break
            yield from self._follow(candidate.at)
            self._waiting.popleft()
            yield from self._begin(candidate)
        yield from self._follow(self._waiting[0].at if self._waiting else self._searched)

    def _begin(self, candidate: Candidate) -> Iterator[Reception]:
        """Read the header of a candidate; if it is one, whatever was being received ends here."""
        acquisition = acquire_near(self._buffer, candidate)
        if acquisition is None:
            return
        follower, header = self._read_header(acquisition)
        sample = round(acquisition.at * self.pulse.samples_per_symbol / 2) - self.pulse.delay - self._silence
        reception = Reception(sample, follower.cfo, follower.snr_db)
        if header is None:
            self.lost_headers += 1
            yield reception
            return
        yield from self._cut()
        known = known_pulses(header)
        follower = Follower(
            self._buffer, replace(acquisition, cfo=follower.cfo, clock=follower.clock), self.pulse, known
        )
        reception.header, reception.cfo, reception.snr_db = header, follower.cfo, follower.snr_db
        if header.strong:
            reception.side_info = (header.strong,) + ((None,) if header.weak_bytes else ())
        self._follower, self._reception, self._layout = follower, reception, Layout.of(header)
        while self._waiting and self._waiting[0].at < candidate.at + 2 * HEADER_END:
            self._waiting.popleft()

    def _read_header(self, acquisition: Acquisition) -> tuple[Follower, FrameHeader | None]:
        """The header; in much noise it is tried again with what else the carrier offset may be."""
        for nudge in NUDGES:
            follower = Follower(self._buffer, acquisition, self.pulse, nudge=nudge)
            parts = [follower.blocks(TOGETHER) for _ in range(HEADER_BLOCKS // TOGETHER)]
            noise = float(np.mean([part.noise_variance[0] for part in parts]))
            data = read_header(np.concatenate([part.symbols for part in parts]), noise)
            if data is not None:
                try:
                    header = FrameHeader.unpack(data)
                except UsageError:
                    break
                return follower, header if header.uses <= self.most_uses else None
            if follower.snr_db > CERTAIN_DB:
                break
        return follower, None

    def _follow(self, until: int) -> Iterator[Reception]:
        """Demodulate what of the frame lies before a half symbol time."""
        until = min(until, self._buffer.end if self._last is None else self._last)
        follower, reception = self._follower, self._reception
        if follower is None or reception is None or reception.header is None:
            return
        if follower.next_pulse < self._layout.payload_start:
            if follower.half_symbols(self._layout.payload_start) > until:
                return
            self._read_side_info(follower, reception, reception.header)
        before, ofdm = reception.heard, self._layout.waveform == Waveform.OFDM
        each = (self._layout.pulses - self._layout.payload_start) // self._layout.payload_blocks
        while (left := (self._layout.pulses - follower.next_pulse) // each) > 0:
            count = min(left, TOGETHER)
            if follower.half_symbols(follower.next_pulse + count * each) > until:
                break
            heard = follower.ofdm_symbols(count) if ofdm else follower.blocks(count)
            wanted = reception.header.uses - reception.heard
            reception.symbols.append(heard.symbols[:wanted])
            reception.noise_variance.append(heard.noise_variance[:wanted])
        reception.snr_db, reception.cfo = follower.snr_db, follower.cfo
        reception.complete = reception.heard == reception.header.uses
        if reception.complete:
            self._follower = self._reception = None
        if reception.heard > before:
            yield reception

    def _read_side_info(self, follower: Follower, reception: Reception, header: FrameHeader) -> None:
        left, parts = self._layout.weak_blocks, []
        while left:
            parts.append(follower.blocks(min(left, TOGETHER)))
            left -= min(left, TOGETHER)
        if parts:
            symbols = np.concatenate([part.symbols for part in parts])
            noise = float(np.mean([part.noise_variance[0] for part in parts]))
            weak = read_protected(symbols, noise, header.weak_bytes, header.weak_eighths)
            reception.side_info = (header.strong, weak)

    def _cut(self) -> Iterator[Reception]:
        """The frame being received ends before its time."""
        cut, self._follower, self._reception = self._reception, None, None
        if cut is not None:
            yield cut

    def _forget(self) -> None:
        """Let go of samples that nobody will ask for."""
        needed = self._searched - APART - NEAR - MARGIN
        if self._waiting:
            needed = min(needed, self._waiting[0].at - NEAR - MARGIN)
        if self._follower is not None:
            needed = min(needed, self._follower.half_symbols(self._follower.next_pulse) - 600)
        self._buffer.forget(math.floor(needed))
