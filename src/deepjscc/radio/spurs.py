"""Spurs: tones within the band, such as a receiver's clock makes; found at the header, tracked, and subtracted."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from deepjscc.radio.channel_estimate import FIRST, LAST, Taps
from deepjscc.radio.kalman_filter import KalmanFilter
from deepjscc.radio.zadoff_chu import Pulses

MAX_SPURS = 4
SIGNIFICANT = 25.0  # least energy of a spur over the noise of its bin: noise exceeds it once in 10^7 frames
PROCESS_NOISE = 1e-7  # random walk of a spur's phase, in squared radians per symbol time
OVERSAMPLING = 4  # bins of the transform for each that is independent
FLOOR = 1e-3  # least noise over the signal in the threshold: interference between pulses is no spur
QUARTER = 0.25  # least share of a spur's amplitude in each quarter of the known pulses: a burst of errors is no spur


@dataclass(frozen=True)
class Tone:
    """A tone as estimated from known pulses.

    Attributes:
        frequency: cycles per symbol time.
        amplitude: amplitude and phase at the middle of the known pulses.
        middle: this time, in symbol times from the frame's first pulse.
        phase_deviation: standard deviation of the phase there, in radians.
        rate_deviation: standard deviation of the frequency, in radians per symbol time; independent of the phase.
    """

    frequency: float
    amplitude: complex
    middle: float
    phase_deviation: float
    rate_deviation: float

    def at(self, times: Float[np.ndarray, " times"]) -> Pulses:
        """The tone at times in symbol times from the frame's first pulse."""
        return self.amplitude * np.exp(2j * np.pi * self.frequency * (times - self.middle))


def find_tones(residual: Pulses, slopes: Pulses, times: Float[np.ndarray, " times"], power: float) -> list[Tone]:
    """Find the tones in what known pulses leave, the strongest first.

    Args:
        residual: received pulses minus what was expected, before the carrier offset is removed.
        slopes: derivatives of the received pulses over the symbol time.
        times: their times in symbol times from the frame's first pulse, about one symbol time apart.
        power: received power of a pulse.
    """
    count, found = len(residual), list[Tone]()
    size = 1 << math.ceil(math.log2(OVERSAMPLING * count))
    left = residual
    while len(found) < MAX_SPURS:
        spectrum = np.abs(np.fft.fft(left, size)) ** 2
        peak = int(spectrum.argmax())
        noise = float((np.abs(left) ** 2).sum() - spectrum[peak] / count) / count
        if spectrum[peak] < SIGNIFICANT * max(noise, FLOOR * power) * count:
            break
        tone = _fit(left, slopes, times, float(np.fft.fftfreq(size)[peak]), 1 / size)
        share = (left * tone.at(times).conj()).real / abs(tone.amplitude) ** 2
        if min(quarter.mean() for quarter in np.array_split(share, 4)) < QUARTER:
            break
        found.append(tone)
        left = left - found[-1].at(times)
        # Each tone was in the way of the others: they are fitted again, one after another.
        for index in list(range(len(found))) * (2 if len(found) > 1 else 0):
            alone = left + found[index].at(times)
            found[index] = _fit(alone, slopes, times, found[index].frequency, 0.1 / size)
            left = alone - found[index].at(times)
    return found


def _fit(values: Pulses, slopes: Pulses, times: Float[np.ndarray, " times"], frequency: float, step: float) -> Tone:
    """The tone at a frequency that is known to about ``step``."""
    middle, count = float(times.mean()), len(values)
    for _ in range(3):  # parabolas, each through points closer together
        trials = frequency + step * np.array([-1, 0, 1])
        left, here, right = np.abs(np.exp(-2j * np.pi * trials[:, None] * (times - middle)) @ values)
        bend = left - 2 * here + right
        frequency += step * float(np.clip(0.5 * (left - right) / bend, -1, 1)) if bend < 0 else 0.0
        step /= 4
    turn = np.exp(-2j * np.pi * frequency * (times - middle))
    whole = _whole_cycles(slopes * turn, complex((values * turn).mean()), frequency)
    amplitude = complex((values * turn * np.exp(-2j * np.pi * whole * (times - middle))).mean())
    frequency += whole
    # The Cramér-Rao bounds of phase and frequency (Rife and Boorstyn 1974).
    ratio = abs(amplitude) ** 2 / max(float((np.abs(values) ** 2).mean()) - abs(amplitude) ** 2, 1e-30)
    return Tone(frequency, amplitude, middle, math.sqrt(1 / (2 * ratio * count)), math.sqrt(6 / ratio / count**3))


def expected_pulses(known: Pulses, taps: Taps) -> Pulses:
    """Known pulses after a channel; the first ``LAST - 1`` and the last ``-FIRST`` lack echoes of unknown pulses."""
    return np.convolve(known, taps)[-FIRST : -FIRST + len(known)]


def known_edges(count: int) -> slice:
    """Those of ``count`` known pulses that echoes of unknown ones do not reach."""
    return slice(LAST - 1, count + FIRST)


def _whole_cycles(slopes: Pulses, amplitude: complex, frequency: float) -> int:
    """Whole cycles per symbol time to add to a frequency: -1, 0 or 1; values once per symbol time do not tell them.

    The slope of a tone does: it is the tone times ``2j pi`` times its frequency.
    """
    slope, deviation = slopes.mean(), math.sqrt(float((np.abs(slopes) ** 2).mean()) / len(slopes))
    if np.pi * abs(amplitude) < 3 * deviation:
        return 0
    return round(min(max((slope / amplitude).imag / (2 * np.pi) - frequency, -1.0), 1.0))


class SpurTracker:
    """Follows the phases of a frame's spurs, and subtracts as much of each as its phase is certain.

    Over a long frame the frequency from the header is not precise enough. The image's symbols count as noise here, so
    that the same tracker serves for any waveform.

    Args:
        tones: the spurs as estimated at the header.
    """

    def __init__(self, tones: tuple[Tone, ...] = ()) -> None:
        self._tones = tones
        self._phases = [
            KalmanFilter(0.0, tone.phase_deviation, tone.rate_deviation, PROCESS_NOISE, time=tone.middle)
            for tone in tones
        ]

    def __len__(self) -> int:
        """Number of spurs."""
        return len(self._tones)

    def at(self, times: Float[np.ndarray, " times"]) -> tuple[Pulses, Pulses]:
        """The sum of all spurs at these times, and its derivative over the symbol time.

        A phase error of variance v leaves the mean factor ``exp(-v / 2)`` of a tone, and it is what is subtracted.
        """
        values, slopes = np.zeros((2, len(times)), dtype=np.complex128)
        for tone, phase in zip(self._tones, self._phases, strict=True):
            part = tone.at(times) * np.exp(1j * phase.values_at(times) - phase.variances_at(times) / 2)
            values += part
            slopes += 2j * np.pi * tone.frequency * part
        return values, slopes

    def update(self, pulses: Pulses, times: Float[np.ndarray, " times"]) -> None:
        """Update the phases by pulses of a frame from which the spurs have not been subtracted.

        Args:
            pulses: unknown pulses, before the carrier offset is removed.
            times: their times in symbol times from the frame's first pulse.
        """
        time, power = float(times.mean()), float((np.abs(pulses) ** 2).mean())
        for tone, phase in zip(self._tones, self._phases, strict=True):
            turned = tone.at(times) * np.exp(1j * phase.values_at(times))
            measured = complex((pulses * turned.conj()).mean()) / abs(tone.amplitude) ** 2
            variance = power / (2 * len(pulses) * abs(tone.amplitude) ** 2)
            phase.update(time, measured.imag, variance)
