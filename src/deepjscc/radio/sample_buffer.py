"""A buffer of a stream's latest samples, addressed by their number since the stream began; memory is bounded."""

import numpy as np

from deepjscc.radio.pulse import Samples


class SampleBuffer:
    """Holds the samples ``start`` to ``end`` of a stream."""

    def __init__(self) -> None:
        self.start = 0
        self._held = np.empty(0, dtype=np.complex64)
        self._length = 0

    def __len__(self) -> int:
        """Number of samples that the buffer has room for."""
        return len(self._held)

    @property
    def end(self) -> int:
        """Number of the next sample."""
        return self.start + self._length

    def append(self, samples: Samples) -> None:
        """Append the next samples of the stream."""
        needed = self._length + len(samples)
        if needed > len(self._held):
            grown = np.empty(2 * needed, dtype=np.complex64)
            grown[: self._length] = self._held[: self._length]
            self._held = grown
        self._held[self._length : needed] = samples
        self._length = needed

    def forget(self, before: int) -> None:
        """Drop the samples before number ``before``."""
        dropped = min(max(before - self.start, 0), self._length)
        if 2 * dropped < self._length:
            return  # moving the rest would cost more than it frees
        kept = self._held[dropped : self._length].copy()
        self._held, self._length, self.start = kept, len(kept), self.start + dropped

    def take(self, first: int, last: int) -> Samples:
        """A view of the samples ``first`` to ``last``; samples before the stream began are zeros."""
        if first < 0 <= last:
            return np.concatenate([np.zeros(-first, dtype=np.complex64), self.take(0, last)])
        if first < self.start or last > self.end:
            raise IndexError(f"samples {first} to {last} are not among {self.start} to {self.end}")
        return self._held[first - self.start : last - self.start]
