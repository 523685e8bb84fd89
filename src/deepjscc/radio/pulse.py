"""Root-raised-cosine pulses: amplitudes to samples, and the matched filter to two samples per symbol time."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Complex, Float

from deepjscc.errors import UsageError
from deepjscc.pulses import raised_cosine, root_raised_cosine
from deepjscc.radio.zadoff_chu import Pulses

Samples = Complex[np.ndarray, " _samples"]
SPAN = 32  # length of a pulse in symbol times; truncation leaves interference at -60 dB for a roll-off of 1/4
BLOCK = 16384  # samples of a Fourier transform


@dataclass(frozen=True)
class Pulse:
    """A root-raised-cosine pulse of energy 1: white noise of variance N0 has variance N0 after the matched filter.

    Attributes:
        samples_per_symbol: samples per symbol time, even, from 2 to 16.
        roll_off: excess bandwidth, from 0.1 to 1.
    """

    samples_per_symbol: int = 4
    roll_off: float = 0.25

    def __post_init__(self) -> None:
        if self.samples_per_symbol not in range(2, 17, 2):
            raise UsageError(f"samples per symbol must be even, from 2 to 16, not {self.samples_per_symbol}")
        if not 0.1 <= self.roll_off <= 1:
            raise UsageError(f"the roll-off must be from 0.1 to 1, not {self.roll_off}")

    @cached_property
    def taps(self) -> Float[np.ndarray, " taps"]:
        """Samples of the pulse over :data:`SPAN` symbol times; they are symmetric."""
        half = SPAN // 2 * self.samples_per_symbol
        taps = root_raised_cosine(np.arange(-half, half + 1) / self.samples_per_symbol, self.roll_off)
        return taps / np.sqrt((taps**2).sum())

    @property
    def delay(self) -> int:
        """Number of samples from the beginning of a burst to the middle of its first pulse."""
        return SPAN // 2 * self.samples_per_symbol

    def shape(self, pulses: Pulses) -> Samples:
        """Shape amplitudes into samples of mean power 1 / samples_per_symbol, :data:`SPAN` symbol times longer."""
        step = self.samples_per_symbol
        branches = math.ceil(len(self.taps) / step)
        taps = np.pad(self.taps, (0, branches * step - len(self.taps))).reshape(branches, step)
        shaped = np.empty((len(pulses) + branches - 1, step), dtype=np.complex64)
        for phase in range(step):  # polyphase: each sample within a symbol time has its own filter
            shaped[:, phase] = convolve(pulses, taps[:, phase])
        return shaped.reshape(-1)[: (len(pulses) + SPAN) * step]

    @cached_property
    def curvature(self) -> float:
        """Minus the second derivative of the raised cosine at its peak, per squared symbol time."""
        near = raised_cosine(np.array([-1e-3, 0.0, 1e-3]), self.roll_off)
        return float(2 * near[1] - near[0] - near[2]) / 1e-6


def convolve(signal: Pulses, taps: np.ndarray) -> Samples:
    """Full convolution of two sequences by overlap-add, in single precision."""
    size = min(BLOCK, 1 << math.ceil(math.log2(max(len(signal) + len(taps), 8))))
    hop = size - len(taps) + 1
    count = math.ceil(len(signal) / hop)
    rows = np.zeros((count, size), dtype=np.complex64)
    for row in range(count):
        piece = signal[row * hop : (row + 1) * hop]
        rows[row, : len(piece)] = piece
    parts = np.fft.ifft(np.fft.fft(rows, axis=1) * np.fft.fft(taps.astype(np.complex64), size), axis=1)
    total = np.zeros(count * hop + size, dtype=np.complex64)
    for row in range(count):
        total[row * hop : row * hop + size] += parts[row]
    return total[: len(signal) + len(taps) - 1]


class MatchedFilter:
    """The matched filter of a stream: it takes chunks of any length and returns two samples per symbol time.

    Output ``i`` is centred on input sample ``i * samples_per_symbol / 2 - pulse.delay``.

    Args:
        pulse: the transmitter's pulse.
    """

    def __init__(self, pulse: Pulse) -> None:
        self.step = pulse.samples_per_symbol // 2
        self._overlap = len(pulse.taps) - 1  # SPAN symbol times: a multiple of the step
        self._hop = (BLOCK - self._overlap) // self.step * self.step
        self._size = BLOCK // self.step * self.step
        self._spectrum = np.fft.fft(pulse.taps.astype(np.complex64), self._size).astype(np.complex64)
        self._held = np.zeros(self._overlap, dtype=np.complex64)

    def push(self, samples: Samples) -> Samples:
        """Filter the next samples; the last ones may be held back until more come."""
        stream = np.concatenate([self._held, samples.astype(np.complex64, copy=False)])
        count = max(0, (len(stream) - self._overlap) // self._hop)
        if not count:
            self._held = stream
            return np.empty(0, dtype=np.complex64)
        hops = np.lib.stride_tricks.sliding_window_view(stream, self._overlap + self._hop)[:: self._hop][:count]
        rows = np.zeros((count, self._size), dtype=np.complex64)
        rows[:, : hops.shape[1]] = hops
        # Keeping every step-th sample folds the spectrum, so that the inverse transform is shorter.
        folded = (np.fft.fft(rows, axis=1) * self._spectrum).reshape(count, self.step, -1).mean(1)
        filtered = np.fft.ifft(folded, axis=1)[:, self._overlap // self.step : (self._overlap + self._hop) // self.step]
        self._held = stream[count * self._hop :].copy()
        return filtered.reshape(-1).astype(np.complex64, copy=False)

    @property
    def room(self) -> int:
        """Number of further samples that make the filter return all that it holds back."""
        return self._hop - (len(self._held) - self._overlap)
