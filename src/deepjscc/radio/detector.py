"""Detection of preambles: a search over time and carrier offset, in noise of unknown power, at SNRs down to -11 dB.

At every half symbol time and for seven carrier offsets, each of the preamble's eight segments is correlated on its own,
and the energies are added: over 127 pulses an unknown offset and phase cost little, and eight segments add up to 1016
pulses. The sum is divided by the received power, so that the threshold sets the rate of false alarms whatever the
gain.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Complex, Float, Int

from deepjscc.radio.pulse import Samples
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, SEGMENT, SIGNS, segment

SIZE = 4096  # of the Fourier transforms
STEP = 14  # bins of the transform between carrier offsets: 0.34% of the symbol rate
OFFSETS = np.arange(-3, 4)  # carrier offsets that are tried, in steps: up to 1.2% of the symbol rate
SCORE = 30.0  # threshold; in noise the score is a sum of 8 exponentials with mean 8, above 30 once in a million
APART = PREAMBLE_PULSES  # half symbol times within which only the best candidate is kept
REACH = 2 * PREAMBLE_PULSES  # length of a preamble in half symbol times


@dataclass(frozen=True)
class Candidate:
    """A position at which a preamble may begin.

    Attributes:
        at: half symbol time of its first pulse.
        cfo: carrier offset in cycles per symbol time, accurate to about 0.2%.
        score: energy of the correlation over the received power; 8 in noise on average, at most 1016.
    """

    at: int
    cfo: float
    score: float


def candidates(filtered: Samples, first: int, last: int) -> list[Candidate]:
    """Candidates in a stretch of matched-filtered samples, two per symbol time.

    Args:
        filtered: the stretch, followed by at least ``REACH + APART`` more samples.
        first, last: range of beginnings to test, as indices; each is compared with its neighbourhood.
    """
    low = max(first - APART, 0)
    score, offset = scores(filtered[low : last + APART + REACH])
    found: list[Candidate] = []
    for index in np.flatnonzero(score[first - low : last - low] > SCORE) + (first - low):
        around = score[max(index - APART, 0) : index + APART + 1]
        if score[index] >= around.max():
            cfo = float(OFFSETS[offset[index]]) * STEP / SIZE
            found.append(Candidate(low + int(index), cfo, float(score[index])))
    return found


def scores(filtered: Samples) -> tuple[Float[np.ndarray, " starts"], Int[np.ndarray, " starts"]]:
    """The score of every possible beginning of a preamble, and the index in :data:`OFFSETS` that reached it."""
    starts = len(filtered) - REACH
    score, offset = np.empty(starts, dtype=np.float32), np.empty(starts, dtype=np.int8)
    for phase in range(2):
        score[phase::2], offset[phase::2] = _phase_scores(filtered[phase::2], len(score[phase::2]))
    return score, offset


def _phase_scores(pulses: Samples, starts: int) -> tuple[Float[np.ndarray, " starts"], Int[np.ndarray, " starts"]]:
    hop, length = SIZE - SEGMENT + 1, starts + PREAMBLE_PULSES - SEGMENT
    spectra = np.fft.fft(_rows(pulses, hop, -(-length // hop)), axis=1)
    power = windowed_power(pulses, starts)
    best, which = np.full(starts, -1, dtype=np.float32), np.zeros(starts, dtype=np.int8)
    half = len(SIGNS) // 2 * SEGMENT
    for index, step in enumerate(OFFSETS):
        energy = np.zeros(starts, dtype=np.float32)
        for template, begins in zip(_templates(), (0, half), strict=True):
            correlation = np.fft.ifft(spectra * np.roll(template, step * STEP), axis=1)[:, :hop].reshape(-1)[:length]
            single = correlation.real**2 + correlation.imag**2
            for start in range(begins, begins + half, SEGMENT):
                energy += single[start : start + starts]
        better = energy > best
        np.copyto(best, energy, where=better)
        which[better] = index
    return best * (len(SIGNS) / power), which


def windowed_power(pulses: Samples, starts: int) -> Float[np.ndarray, " starts"]:
    """Energy over the length of a preamble from every start, limited below so that rounding errors do not matter."""
    total = np.concatenate(
        [[0.0], np.cumsum(pulses.real.astype(np.float64) ** 2 + pulses.imag.astype(np.float64) ** 2)]
    )
    window = total[PREAMBLE_PULSES : PREAMBLE_PULSES + starts] - total[:starts]
    return np.maximum(window, 1e-9 * total[-1] + 1e-30).astype(np.float32)


def _rows(pulses: Samples, hop: int, count: int) -> Complex[np.ndarray, "rows size"]:
    padded = np.zeros(count * hop + SEGMENT - 1, dtype=np.complex64)
    used = min(len(pulses), len(padded))
    padded[:used] = pulses[:used]
    return np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::hop][:count]


@cache
def _templates() -> tuple[Complex[np.ndarray, " size"], Complex[np.ndarray, " size"]]:
    """Spectra of the correlators of the two kinds of segments."""
    first = np.fft.fft(segment().astype(np.complex64), SIZE).conj().astype(np.complex64)
    second = np.fft.fft(segment().conj().astype(np.complex64), SIZE).conj().astype(np.complex64)
    return first, second
