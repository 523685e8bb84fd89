"""Timing and carrier offset of a candidate: by the whole preamble, and then by all known pulses."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from deepjscc.radio.detector import REACH, Candidate
from deepjscc.radio.interpolate import REACH as WIDE
from deepjscc.radio.interpolate import interpolate
from deepjscc.radio.pulse import Samples
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.zadoff_chu import SEGMENT, Pulses, preamble

NEAR = 4 * SEGMENT  # half symbol times by which a candidate may be off
MARGIN = 40  # half symbol times around a preamble that acquisition reads
SIZE = 4096  # of the transform over the preamble: four bins for each of its 1016 pulses
WIDEST = 0.013  # largest carrier offset in cycles per symbol time: 1% and the error of the detector's grid
SURE = 26.0  # threshold of energy over the mean in noise; noise exceeds it once in e^26 = 2e11 trials
LAGS = np.arange(-16, 16)  # half symbol times at which the whole preamble is correlated


@dataclass(frozen=True)
class Acquisition:
    """The beginning of a frame.

    Attributes:
        at: half symbol time of the preamble's first pulse, fractional, from the beginning of the stream;
            extrapolated from the middle of the preamble.
        cfo: carrier offset in cycles per symbol time.
        score: energy of the correlation over the mean in noise, at most 1016.
        clock: relative clock offset: how much longer than nominal a symbol time is.
    """

    at: float
    cfo: float
    score: float
    clock: float = 0.0


def acquire_near(buffer: SampleBuffer, candidate: Candidate) -> Acquisition | None:
    """:func:`acquire` at a candidate or, in strong noise, whole segments away from it, where most of them match."""
    for segments in (0, -1, 1, -2, 2):
        at = candidate.at + 2 * SEGMENT * segments
        around = buffer.take(at - MARGIN, at + REACH + MARGIN)
        found = acquire(around, Candidate(at, candidate.cfo, candidate.score))
        if found is not None:
            return found
    return None


def acquire(around: Samples, candidate: Candidate) -> Acquisition | None:
    """Correlate coherently with the whole preamble, over time and carrier offset.

    Args:
        around: matched-filtered samples from :data:`MARGIN` before the candidate to as many after its preamble.
        candidate: position and offset found by the detector.

    Returns:
        None where there is no preamble.
    """
    size = around.size
    shifts = [_spectrum(around[MARGIN + shift : MARGIN + shift + REACH : 2]) for shift in (-1, 0, 1)]
    bins = np.rint(np.fft.fftfreq(SIZE) * SIZE).astype(int)
    near = np.flatnonzero(np.abs(bins) <= WIDEST * SIZE)
    strongest = max(shifts, key=lambda spectrum: spectrum[near].max())
    peak = near[strongest[near].argmax()]
    left, middle, right = (float(np.sqrt(strongest[(peak + step) % SIZE])) for step in (-1, 0, 1))
    cfo = (bins[peak] + _vertex(left, middle, right)) / SIZE
    still = around * np.exp(-1j * np.pi * cfo * np.arange(size)).astype(np.complex64)
    windows = np.lib.stride_tricks.sliding_window_view(still, REACH)[MARGIN + LAGS, ::2]
    correlation = windows @ preamble().conj().astype(np.complex64)
    times = np.arange(9.0, 22.0, 1 / 16)
    heights = np.abs(interpolate(correlation, times)[0])
    best = int(heights[1:-1].argmax()) + 1
    delay = times[best] + _vertex(*heights[best - 1 : best + 2].tolist()) / 16 + LAGS[0]
    whole = MARGIN + round(delay)
    # The window includes the reach of the interpolation: at the edge of a signal a window alone may hold less energy.
    power = float((np.abs(around[whole - WIDE : whole + REACH + WIDE]) ** 2).sum()) / 2
    score = float(heights[best] ** 2) / max(power, 1e-30)
    return Acquisition(candidate.at + delay, cfo, score) if score > SURE else None


def refine_offset(
    still: Pulses, known: Pulses, index: Int[np.ndarray, " pulses"], spread: float
) -> tuple[float, float]:
    """Maximum-likelihood estimate of the remaining carrier offset and the phase from all known pulses.

    Args:
        still: received pulses, with the offset known so far removed.
        known: the same pulses as sent.
        index: their numbers in the frame.
        spread: the largest remaining offset, in cycles per symbol time.

    Returns:
        Offset in cycles per symbol time; phase in radians at pulse 0.
    """
    product = still * known.conj()
    groups = np.add.reduceat(
        product, np.arange(0, len(product), 8)
    )  # the phase of 8 neighbours is practically the same
    middle = np.add.reduceat(index, np.arange(0, len(index), 8)) / np.diff(np.r_[0 : len(index) : 8, len(index)])
    span, total = float(index.max() - index.min()), 0.0
    for step in (1 / (4 * span), 1 / (40 * span)):
        trials = np.arange(-np.ceil(spread / step), np.ceil(spread / step) + 1) * step
        heights = _heights(groups, middle, trials)
        best = int(np.clip(heights.argmax(), 1, len(trials) - 2))
        offset = trials[best] + _vertex(*heights[best - 1 : best + 2].tolist()) * step
        groups, spread, total = groups * np.exp(-2j * np.pi * offset * middle), 2 * step, total + offset
    return float(total), float(np.angle(groups.sum()))


def _heights(groups: Pulses, middle: Float[np.ndarray, " groups"], trials: Float[np.ndarray, " trials"]) -> np.ndarray:
    return np.abs(np.exp(-2j * np.pi * trials[:, None] * middle) @ groups)


def _spectrum(pulses: Samples) -> Float[np.ndarray, " bins"]:
    product = pulses * preamble().conj().astype(np.complex64)
    return np.abs(np.fft.fft(product, SIZE)) ** 2


def _vertex(left: float, middle: float, right: float) -> float:
    """Position of the maximum of a parabola through three equidistant values, between -1 and 1."""
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -1, 1)) if bend < 0 else 0.0
