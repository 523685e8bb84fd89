"""Following a frame: from filtered samples to equalised symbols, time, phase and gain led by the pilots."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from deepjscc.radio.channel_estimate import estimate_channel
from deepjscc.radio.drift import Drift
from deepjscc.radio.frame import BLOCK_PULSES, HEADER_BLOCKS, PILOTS
from deepjscc.radio.interpolate import REACH, interpolate
from deepjscc.radio.ofdm_symbols import (
    OFDM_PULSES,
    SUBCARRIERS,
    data_subcarriers,
    demodulate,
    pilot_subcarriers,
    scrambling,
)
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.synchronise import Acquisition, refine_offset
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, pilots, preamble

TOGETHER = 4  # blocks, or OFDM symbols, between two looks at the pilots
CLOCK = 5e-5  # deviation of the clocks' ratio from 1
FURTHEST = 0.5  # symbol times by which one look may find the time off
LEAST_TIMING = 1e-3  # deviation of the timing from the preamble, in symbol times, however little noise there is
TIMING_WANDER = 1e-10  # of clocks, in squared symbol times per symbol time
PHASE_WANDER = 3e-8  # of oscillators, in squared radians per symbol time
GAIN_WANDER = 1e-8  # of the gain's square, per symbol time
OFFSET_LEFT = 3e-4  # cycles per symbol time that the preamble may leave
LEAKAGE = 0.5  # power of the data beside a group of pilots in its slopes, over the curvature
LEAST_GAIN, LEAST_NOISE = 0.1, 1e-9  # against dividing by nothing
MEMORY = 17  # looks over which the noise variance is averaged; the preamble counts as one less


@dataclass(frozen=True)
class PilotPlaces:
    """Where the pilots of some blocks are, and what each of them tells.

    Attributes:
        middle: mean place, in pulses from the first block's beginning.
        curvature: minus the second derivative of the signal's autocorrelation at no delay, of each pilot.
        weight: mean noise over that of each.
        lean: slope where the time is right; an equalised echo may leave one.
        leakage: power of what else is in their slopes, over the curvature.
    """

    middle: float
    curvature: Float[np.ndarray, " pilots"]
    weight: Float[np.ndarray, " pilots"]
    lean: float
    leakage: float


@dataclass(frozen=True)
class Heard:
    """Symbols of some blocks.

    Attributes:
        symbols: equalised, of gain 1.
        noise_variance: of each.
    """

    symbols: Pulses
    noise_variance: Float[np.ndarray, " pulses"]


class Follower:
    """One frame, from its preamble on; blocks are asked for in order.

    Args:
        buffer: matched-filtered samples, two a symbol time.
        acquisition: where the frame begins.
        pulse: for how sharply a wrong time shows.
        known: pulses of preamble and header where the header has been read: it is followed by all of them, and what
            is asked for next are the blocks behind it.
        nudge: the carrier offset is taken to be so many standard deviations above its estimate.
    """

    def __init__(
        self,
        buffer: SampleBuffer,
        acquisition: Acquisition,
        pulse: Pulse,
        known: Pulses | None = None,
        *,
        nudge: float = 0.0,
    ) -> None:
        self._buffer, self._start, self._curvature = buffer, acquisition.at, pulse.curvature
        self.cfo = acquisition.cfo
        self._phase = Drift(0.0, 0.0, 0.0, 0.0)
        self._timing = Drift(0.0, 0.0, 0.0, 0.0, rate=acquisition.clock, time=PREAMBLE_PULSES / 2)
        index, sent = _known_pulses() if known is None else (np.arange(len(known)), known)
        received = np.concatenate(
            [self._pulses(part)[0] for part in (index[:PREAMBLE_PULSES], index[PREAMBLE_PULSES:])]
        )
        offset, phase = refine_offset(received, sent, index, OFFSET_LEFT)
        self.cfo += offset
        self._phase = Drift(phase, 0.0, 0.0, 0.0)
        self.channel = estimate_channel(self._pulses(np.arange(PREAMBLE_PULSES))[0])
        self.noise_variance = noise = self.channel.noise_variance / self.channel.power
        # Cramer-Rao bounds: of phase and offset from all known pulses, independent at their mean place; of time from
        # the preamble alone.
        place, half = float(index.mean()), noise / 2
        deviations = math.sqrt(half / len(index)), math.sqrt(half / (len(index) * float(index.var())))
        moved = nudge * deviations[1]
        self.cfo += moved / (2 * math.pi)
        self._phase = Drift(phase - moved * place, *deviations, PHASE_WANDER, time=place)
        self._gain = Drift(1.0, math.sqrt(noise / 2 / PREAMBLE_PULSES), 0.0, GAIN_WANDER)
        timing = math.sqrt(noise / (2 * PREAMBLE_PULSES * self._curvature)) + LEAST_TIMING
        middle = PREAMBLE_PULSES / 2
        self._timing = Drift(0.0, timing, CLOCK, TIMING_WANDER, rate=acquisition.clock, time=middle)
        self._equaliser, self._delay = self.channel.equaliser()
        self._response = self.channel.response(SUBCARRIERS)
        self._next, self._next_pilot = 0, 0
        self._lean, self._leakage = self._slopes_of_preamble()
        self._next = PREAMBLE_PULSES
        if known is not None:
            self._walk(known)

    @property
    def next_pulse(self) -> int:
        """Number in the frame of the first pulse that has not been asked for."""
        return self._next

    @property
    def clock(self) -> float:
        """How much longer a symbol time is than it should be, relative."""
        return self._timing.rate

    @property
    def snr_db(self) -> float:
        """Of a symbol, as it stands after equalising."""
        return -10 * math.log10(self.noise_variance)

    def half_symbols(self, pulses: int) -> int:
        """Half symbol time since the stream began by which so many pulses of the frame have come, with what follows."""
        timing = self._timing.at(pulses)
        return math.ceil(self._start + 2 * (pulses + timing)) + 2 * (self._delay + 1) + REACH + 1

    def blocks(self, count: int) -> Heard:
        """The next blocks of the single carrier, their pilots taken off."""
        pulses = count * BLOCK_PULSES
        values, slopes = self._equalised(pulses)
        places = (np.arange(count)[:, None] * BLOCK_PULSES + np.arange(PILOTS)).reshape(-1)
        even = np.ones(len(places))
        # An analogue code begins with symbols many times stronger than the mean.
        leakage = self._leakage * max(1.0, float((np.abs(values) ** 2).mean()))
        at = PilotPlaces(float(places.mean()), self._curvature * even, even, self._lean, leakage)
        known = pilots(self._next_pilot, len(places))
        turn, late, noise = self._look(values[places], slopes[places], known, at, pulses)
        self._next_pilot += len(places)
        data = np.delete((values + slopes * late) * turn, places)
        return Heard(data.astype(np.complex64), np.full(len(data), noise, dtype=np.float32))

    def ofdm_symbols(self, count: int) -> Heard:
        """The next OFDM symbols, their pilots taken off; the noise variance is that of each subcarrier."""
        pulses, carriers = count * OFDM_PULSES, pilot_subcarriers()
        values, slopes = self._pulses(self._next + np.arange(pulses))
        grid, slope_grid = demodulate(values) / self._response, demodulate(slopes) / self._response
        power = np.abs(self._response) ** 2
        weight = power / power[carriers].mean()
        curvature = np.tile((2 * np.pi * carriers / SUBCARRIERS) ** 2, count)
        at = PilotPlaces(pulses / 2, curvature, np.tile(weight[carriers], count), 0.0, 0.0)
        seen, slopes = (part[:, carriers].reshape(-1) for part in (grid, slope_grid))
        turn, late, noise = self._look(seen, slopes, pilots(self._next_pilot, len(seen)), at, pulses)
        self._next_pilot += len(seen)
        # Within an OFDM symbol phase and time stand still: the carrier offset is out already.
        turn, late = (part.reshape(count, -1).mean(1)[:, None] for part in (turn, late))
        data = ((grid + slope_grid * late) * turn)[:, data_subcarriers()] * scrambling().conj()
        variance = np.broadcast_to(noise / np.maximum(weight[data_subcarriers()], LEAST_NOISE), data.shape)
        return Heard(data.reshape(-1).astype(np.complex64), variance.reshape(-1).astype(np.float32))

    def _walk(self, known: Pulses) -> None:
        """Go through the header with all of its pulses for pilots."""
        pulses = TOGETHER * BLOCK_PULSES
        even = np.ones(pulses)
        at = PilotPlaces(pulses / 2, self._curvature * even, even, self._lean, self._leakage * PILOTS / pulses)
        while self._next < len(known):
            values, slopes = self._equalised(pulses)
            self._look(values, slopes, known[self._next : self._next + pulses], at, pulses)
        self._next_pilot = HEADER_BLOCKS * PILOTS

    def _look(
        self, seen: Pulses, slopes: Pulses, known: Pulses, at: PilotPlaces, pulses: int
    ) -> tuple[Pulses, Float[np.ndarray, " pulses"], float]:
        """Measure phase, gain, time and noise by pilots.

        Args:
            seen, slopes: received pilots and their derivatives over the symbol time.
            known: as sent.
            at: where they are and what they tell.
            pulses: until the next look.

        Returns:
            Of each of these pulses by what to multiply it, and by what part of its slope to move it first; and the
            noise variance.
        """
        time, span, total = self._next + at.middle, self._next + np.arange(pulses), float(at.weight.sum())
        variance = self.noise_variance / (2 * total)  # of the real or the imaginary part of a mean over the pilots
        phase = self._phase.at(time)
        phases, timings = self._phase.over(span), self._timing.over(span)
        mean = complex((seen * known.conj() * at.weight).sum()) / total
        self._phase.update(time, math.atan2(mean.imag, mean.real), variance)
        turned = np.exp(1j * (phase - self._phase.at(time)))
        self._gain.update(time, (mean * turned).real - self._gain.at(time), variance)
        gain = max(self._gain.at(time), LEAST_GAIN)
        sharpness = float((at.curvature * at.weight).sum())
        slope = float(((slopes * known.conj() * at.weight).sum() * turned).real) / gain
        # The slope says no more of times further off; what interferes may look so.
        late = min(max((at.lean * total - slope) / sharpness, -FURTHEST), FURTHEST)
        self._timing.update(time, -late, (self.noise_variance + at.leakage) / (2 * sharpness))
        residual = float((np.abs(seen * turned / gain - known) ** 2 * at.weight).sum()) / total
        self.noise_variance += (residual - self.noise_variance) / MEMORY
        self.noise_variance = max(self.noise_variance, LEAST_NOISE)
        turn = np.exp(1j * (phases - self._phase.over(span))) / gain
        self._next += pulses
        return turn, self._timing.over(span) - timings, self.noise_variance

    def _slopes_of_preamble(self) -> tuple[float, float]:
        """Mean slope of the equalised preamble along its pulses, and the rest's power over the curvature."""
        if self.channel.flat:
            return 0.0, LEAKAGE
        inner = slice(len(self._equaliser), PREAMBLE_PULSES - len(self._equaliser))
        slopes = (self._equalised(PREAMBLE_PULSES)[1] * preamble().conj())[inner].real
        return float(slopes.mean()), LEAKAGE + 2 * float(slopes.var()) / self._curvature

    def _equalised(self, count: int) -> tuple[Pulses, Pulses]:
        """The next pulses and their slopes through the equaliser."""
        around = self._next + np.arange(-(len(self._equaliser) - 1 - self._delay), count + self._delay)
        both = self._pulses(around)
        if self._delay == 0:
            return both[0] * self._equaliser[0], both[1] * self._equaliser[0]
        first, second = (np.convolve(part, self._equaliser, "valid") for part in both)
        return first, second

    def _pulses(self, index: Int[np.ndarray, " pulses"]) -> tuple[Pulses, Pulses]:
        """Received pulses by number in the frame, and slopes over the symbol time; offset and phase taken out."""
        times = self._start + 2 * (index + self._timing.over(index))
        first, last = math.floor(times[0]) - REACH, math.ceil(times[-1]) + REACH + 1
        values, slopes = interpolate(self._buffer.take(first, last), times - first)
        still = np.exp(-1j * (2 * np.pi * self.cfo * index + self._phase.over(index))).astype(np.complex64)
        return values * still, 2 * slopes * still


def _known_pulses() -> tuple[Int[np.ndarray, " known"], Pulses]:
    """Of a frame whose header has not been read: places and values of the preamble and of the header's pilots."""
    blocks = PREAMBLE_PULSES + np.arange(HEADER_BLOCKS)[:, None] * BLOCK_PULSES
    places = (blocks + np.arange(PILOTS)).reshape(-1)
    index = np.concatenate([np.arange(PREAMBLE_PULSES), places])
    return index, np.concatenate([preamble(), pilots(0, len(places))])
