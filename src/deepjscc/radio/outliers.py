"""Clipping of single samples that are far beyond their neighbourhood, such as glitches of a receiver's bus."""

import numpy as np

from deepjscc.radio.pulse import Samples

BLOCK = 256  # samples over which the median magnitude is taken
STRIDE = 4  # every so many samples enter the median
FACTOR = 30.0  # a sample's magnitude over the median's; the strongest symbols of a picture reach 13


class OutlierLimiter:
    """Clips outliers of a stream; chunks of any length go in, and the last samples are held back until more come.

    A sample is an outlier where its magnitude exceeds 30 times the largest median of its block of 256 samples and the
    two beside it. A frame's beginning and end are none: one of these blocks is full of the signal.

    Attributes:
        clipped: number of samples clipped so far.
    """

    def __init__(self) -> None:
        self.clipped = 0
        self._held = np.empty(0, dtype=np.complex64)
        self._previous = 0.0  # median of the block before the held samples

    @property
    def room(self) -> int:
        """Number of further samples that make the limiter return all that it holds back."""
        return 2 * BLOCK

    def push(self, samples: Samples) -> Samples:
        """Limit the next samples."""
        stream = np.concatenate([self._held, samples.astype(np.complex64, copy=False)])
        count = len(stream) // BLOCK - 1  # a block waits for the next one
        if count < 1:
            self._held = stream
            return np.empty(0, dtype=np.complex64)
        magnitude = np.abs(stream[: (count + 1) * BLOCK].reshape(-1, BLOCK))
        picked = magnitude[:, ::STRIDE]
        medians = np.partition(picked, picked.shape[1] // 2, axis=1)[:, picked.shape[1] // 2]
        around = np.concatenate([[self._previous], medians])
        limit = FACTOR * np.maximum(np.maximum(around[:-2], around[1:-1]), around[2:])[:, None]
        self._previous, self._held = float(medians[count - 1]), stream[count * BLOCK :].copy()
        over = magnitude[:count] > limit
        limited = stream[: count * BLOCK]
        if over.any():
            self.clipped += int(over.sum())
            scale = np.where(over, limit / np.where(over, magnitude[:count], 1), 1)
            limited = (limited.reshape(-1, BLOCK) * scale).reshape(-1).astype(np.complex64)
        return limited
