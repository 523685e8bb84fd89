"""The search for preambles over a stream, stretch by stretch as samples come."""

from dataclasses import replace

from deepjscc.radio.detector import APART, REACH, Candidate, candidates
from deepjscc.radio.sample_buffer import SampleBuffer

STRETCH = 1 << 14  # half symbol times that are searched at once
LOOK_AHEAD = APART + REACH  # half symbol times beyond a stretch that its search reads


class PreambleSearch:
    """Finds candidates for preambles in a sample buffer.

    Args:
        buffer: matched-filtered samples, two per symbol time.

    Attributes:
        searched: half symbol time up to which beginnings of frames have been searched.
    """

    def __init__(self, buffer: SampleBuffer) -> None:
        self._buffer, self.searched = buffer, 0

    def advance(self) -> list[Candidate] | None:
        """Search the next stretch; None where too few samples have come."""
        last = self.searched + STRETCH + LOOK_AHEAD
        if last > self._buffer.end:
            return None
        low = max(self.searched - APART, self._buffer.start)
        first = self.searched - low
        found = candidates(self._buffer.take(low, last), first, first + STRETCH)
        self.searched += STRETCH
        return [replace(one, at=low + one.at) for one in found]
