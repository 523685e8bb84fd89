"""The receiver of frames as a state machine: SEARCH, then HEADER, then PAYLOAD; samples in, immutable events out.

::

    SEARCH ──candidate──► HEADER ──decoded──► PAYLOAD ──all symbols, or the signal ended──► SEARCH
       ▲                    │ ▲                  │
       └──not decodable─────┘ └────candidate─────┘

HEADER tries the lengths that a header may have, the shortest first, each as soon as its samples have come.

The search for preambles goes on in every state. A candidate within a payload leads to HEADER, too, and the payload is
kept: it goes on where the candidate has no header, and ends where it has one. Nothing is known of a frame in advance
but the format.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepjscc.radio.detector import APART, Candidate
from deepjscc.radio.events import Event, FrameEnded, FrameStarted, HeaderLost
from deepjscc.radio.frame import header_end
from deepjscc.radio.frame_header import HEADER_LENGTHS
from deepjscc.radio.header_reader import read_frame_header
from deepjscc.radio.outliers import OutlierLimiter
from deepjscc.radio.payload_reader import PayloadReader
from deepjscc.radio.preamble_search import LOOK_AHEAD, STRETCH, PreambleSearch
from deepjscc.radio.pulse import MatchedFilter, Pulse, Samples
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.synchronise import MARGIN, NEAR

MAX_MAGNITUDE = 1e12  # a larger sample counts as invalid like NaN: powers of it would overflow
HEADER_MARGIN = NEAR + STRETCH // 8  # half symbol times beyond the header that its decoding may read
SEARCH_HISTORY = APART + NEAR + MARGIN  # half symbol times that are kept before the search's position
CANDIDATE_HISTORY = NEAR + MARGIN  # half symbol times that are kept before a candidate


@dataclass(frozen=True)
class Search:
    """No frame is being received."""


@dataclass(frozen=True)
class Header:
    """A candidate waits for the samples of its header.

    Attributes:
        candidate: where a frame may begin.
        attempt: index of the header length that is tried next.
        interrupted: the payload that goes on where the candidate turns out to be no frame; None: there was none.
    """

    candidate: Candidate
    attempt: int
    interrupted: PayloadReader | None


@dataclass(frozen=True)
class Payload:
    """The symbols of a frame are being received."""

    reader: PayloadReader


State = Search | Header | Payload


class Receiver:
    """Finds frames in a stream of samples and demodulates them; memory is bounded whatever the stream's length.

    Args:
        pulse: pulse shape and sampling of the transmitter.
        max_uses: most symbols that a frame may have; a header that claims more counts as broken.

    Attributes:
        invalid_samples: number of samples that were NaN, infinite or absurdly large, and were replaced by zeros.
        lost_headers: number of preambles whose header could not be decoded.
        samples: number of samples received so far.
    """

    def __init__(self, pulse: Pulse, max_uses: int = 1 << 26) -> None:
        self._pulse, self._max_uses = pulse, max_uses
        self.invalid_samples = self.lost_headers = self.samples = 0
        self._limiter, self._filter, self._buffer = OutlierLimiter(), MatchedFilter(pulse), SampleBuffer()
        self._search = PreambleSearch(self._buffer)
        self._candidates: deque[Candidate] = deque()
        self._state: State = Search()
        self._padding = 0  # zeros inserted so far where the stream paused
        self._signal_end: int | None = None  # half symbol time at which the samples end, where they do

    def push(self, samples: Samples) -> Iterator[Event]:
        """Receive the next samples of the stream.

        Args:
            samples: any number of them.

        Yields:
            What has happened since the last call.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            valid = np.abs(samples.real) + np.abs(samples.imag) < MAX_MAGNITUDE  # False for NaN
        invalid = len(samples) - int(valid.sum())
        if invalid:
            self.invalid_samples += invalid
            samples = np.where(valid, samples, 0)
        self.samples += len(samples)
        self._buffer.append(self._filter.push(self._limiter.push(samples)))
        while (found := self._search.advance()) is not None:
            self._candidates.extend(found)
            yield from self._run()
        yield from self._run()
        self._forget()

    def flush(self) -> Iterator[Event]:
        """Process all samples received so far, as if zeros followed; a frame that has not ended is cut short."""
        step = self._pulse.samples_per_symbol // 2
        received, padding = self.samples, (2 * STRETCH + LOOK_AHEAD) * step + 2 * self._filter.room + self._limiter.room
        self._signal_end = (received + self._padding + 2 * self._pulse.delay) // step
        yield from self.push(np.zeros(padding, dtype=np.complex64))
        match self._state:
            case Payload():
                self._state = Search()
                yield FrameEnded(complete=False)
            case Header(candidate, attempt, interrupted) if interrupted is not None:
                self._state = Header(candidate, attempt, None)
                yield FrameEnded(complete=False)
        self.samples, self._padding, self._signal_end = received, self._padding + padding, None

    @property
    def clipped_samples(self) -> int:
        """Number of samples that were far beyond their neighbourhood and were clipped."""
        return self._limiter.clipped

    @property
    def buffered(self) -> int:
        """Size of the sample buffer, which stays bounded however long the stream."""
        return len(self._buffer)

    def note(self) -> str | None:
        """A sentence about invalid and clipped samples; None where there were none."""
        clipped = f"{self.clipped_samples} samples were far beyond their neighbourhood and were clipped"
        parts = [self._invalid_note(), clipped if self.clipped_samples else None]
        return "; ".join(filter(None, parts)) or None

    def _invalid_note(self) -> str | None:
        if not self.invalid_samples:
            return None
        share = self.invalid_samples / self.samples
        hint = "; are they cf32?" if share > 0.01 else ""
        return f"{self.invalid_samples} samples were NaN, infinite or absurdly large and were replaced by zeros{hint}"

    def _run(self) -> Iterator[Event]:
        """Change states until more samples are needed."""
        while True:
            match self._state:
                case Search():
                    if not self._candidates:
                        return
                    self._state = Header(self._candidates.popleft(), 0, None)
                case Payload(reader):
                    following = self._candidates[0].at if self._candidates else self._search.searched
                    yield from self._advance(reader, following)
                    if not self._candidates:
                        self._state = Search() if reader.complete else self._state
                        return
                    self._state = Header(self._candidates.popleft(), 0, None if reader.complete else reader)
                case Header(candidate, attempt, interrupted):
                    if interrupted is not None:
                        yield from self._advance(interrupted, candidate.at)
                        interrupted = None if interrupted.complete else interrupted
                        self._state = Header(candidate, attempt, interrupted)
                    span = 2 * header_end(HEADER_LENGTHS[attempt])
                    if candidate.at + span + HEADER_MARGIN > self._buffer.end:
                        return
                    yield from self._read_header(Header(candidate, attempt, interrupted))

    def _advance(self, reader: PayloadReader, until: int) -> Iterator[Event]:
        end = self._buffer.end if self._signal_end is None else self._signal_end
        yield from reader.advance(min(until, end))

    def _read_header(self, state: Header) -> Iterator[Event]:
        """Leave HEADER: to PAYLOAD with a header, to the next length of it, or back where no length fits."""
        candidate, interrupted, blocks = state.candidate, state.interrupted, HEADER_LENGTHS[state.attempt]
        self._state = Search() if interrupted is None else Payload(interrupted)
        result = read_frame_header(self._buffer, candidate, self._pulse, self._max_uses, blocks)
        if result is None:
            return
        if result.retry is not None:
            self._state = Header(candidate, HEADER_LENGTHS.index(result.retry), interrupted)
            return
        sample = round(result.at * self._pulse.samples_per_symbol / 2) - self._pulse.delay - self._padding
        header, tracker = result.header, result.tracker
        if header is None or tracker is None:
            self.lost_headers += 1
            yield HeaderLost(sample, result.cfo, result.snr_db, result.reason)
            return
        if interrupted is not None:
            yield FrameEnded(complete=False)
        self._state = Payload(PayloadReader(header, tracker))
        while self._candidates and self._candidates[0].at < candidate.at + 2 * header_end(blocks):
            self._candidates.popleft()
        behind: tuple[bytes | None, ...] = (None,) if header.weak_bytes else ()
        side_info = (header.strong, *behind) if header.strong else ()
        yield FrameStarted(sample, result.cfo, result.snr_db, header, side_info)

    def _forget(self) -> None:
        """Drop samples that no state will read again."""
        needed = [self._search.searched - SEARCH_HISTORY]
        needed += [one.at - CANDIDATE_HISTORY for one in list(self._candidates)[:1]]
        match self._state:
            case Header(candidate, _, interrupted):
                needed.append(candidate.at - CANDIDATE_HISTORY)
                needed += [] if interrupted is None else [interrupted.oldest_needed]
            case Payload(reader):
                needed.append(reader.oldest_needed)
        self._buffer.forget(math.floor(min(needed)))
