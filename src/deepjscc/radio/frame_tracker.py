"""The tracker of one frame: filtered samples to equalised symbols; pilots correct timing, phase and gain."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from deepjscc.radio.frame import BLOCK_PULSES, PILOTS
from deepjscc.radio.frame_sync import FrameSync
from deepjscc.radio.interpolate import REACH
from deepjscc.radio.ofdm_symbols import (
    OFDM_PULSES,
    SUBCARRIERS,
    data_subcarriers,
    demodulate,
    pilot_subcarriers,
    scrambling,
)
from deepjscc.radio.protection import DATA
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, pilots, preamble

BLOCKS_PER_UPDATE = 4  # blocks, or OFDM symbols, whose pilots make one measurement
MAX_TIMING_STEP = 0.5  # symbol times by which one measurement may move the timing
PILOT_LEAKAGE = 0.5  # power of the data beside a group of pilots in the pilots' slopes, over the curvature
MIN_GAIN, MIN_NOISE = 0.1, 1e-9  # lower limits that keep divisions finite
NOISE_MEMORY = 17  # updates over which the noise variance is averaged; the preamble counts as one less


@dataclass(frozen=True)
class PilotSet:
    """The pilots of one measurement.

    Attributes:
        mean_index: mean position, in pulses from the beginning of the first block.
        curvature: minus the second derivative of the signal's autocorrelation at delay zero, for each pilot.
        weight: ratio of the mean noise variance to each pilot's noise variance.
        slope_bias: mean slope where the timing is right; an equalised echo may leave one.
        leakage: power of everything but the pilots in their slopes, over the curvature.
    """

    mean_index: float
    curvature: Float[np.ndarray, " pilots"]
    weight: Float[np.ndarray, " pilots"]
    slope_bias: float
    leakage: float


@dataclass(frozen=True)
class Correction:
    """What one measurement says about the pulses until the next one.

    Attributes:
        rotation: factor that corrects phase and gain, of each pulse.
        timing: correction of the timing in symbol times, of each pulse; it multiplies the pulse's slope.
        noise_variance: of an equalised symbol.
    """

    rotation: Pulses
    timing: Float[np.ndarray, " pulses"]
    noise_variance: float


@dataclass(frozen=True)
class EqualisedSymbols:
    """Demodulated symbols.

    Attributes:
        symbols: equalised, with gain 1.
        noise_variance: of each symbol.
    """

    symbols: Pulses
    noise_variance: Float[np.ndarray, " pulses"]


class FrameTracker:
    """Demodulates one frame from its preamble on; blocks are read in order.

    Args:
        sync: synchronisation by the preamble (:func:`deepjscc.radio.frame_sync.synchronise`).
    """

    def __init__(self, sync: FrameSync) -> None:
        self.cfo, self.noise_variance = sync.cfo, sync.noise_variance
        self._sampler, self._curvature = sync.sampler, sync.curvature
        self._phase, self._timing, self._gain = sync.initial_phase(), sync.initial_timing(), sync.initial_gain()
        self._equaliser, self._delay = sync.channel.equaliser()
        self._response = sync.channel.response(SUBCARRIERS)
        self._next, self._next_pilot = PREAMBLE_PULSES, 0
        self._slope_bias, self._leakage = self._preamble_slopes(flat=sync.channel.flat)

    @property
    def next_pulse(self) -> int:
        """Number in the frame of the first pulse that has not been read."""
        return self._next

    @property
    def clock(self) -> float:
        """Estimated relative clock offset: how much longer than nominal a symbol time is."""
        return self._timing.rate

    @property
    def snr_db(self) -> float:
        """Estimated SNR of an equalised symbol."""
        return -10 * math.log10(self.noise_variance)

    def half_symbols(self, pulses: int) -> int:
        """Half symbol time by which the first ``pulses`` pulses and what their equaliser needs have come."""
        timing = self._timing.value_at(pulses)
        return math.ceil(self._sampler.start + 2 * (pulses + timing)) + 2 * (self._delay + 1) + REACH + 1

    def skip_header(self, known: Pulses) -> None:
        """Track through the header with all of its pulses as pilots.

        Args:
            known: pulses of preamble and header.
        """
        pulses = BLOCKS_PER_UPDATE * BLOCK_PULSES
        ones = np.ones(pulses)
        leakage = self._leakage * PILOTS / pulses
        pilot_set = PilotSet(pulses / 2, self._curvature * ones, ones, self._slope_bias, leakage)
        while self._next < len(known):
            values, slopes = self._equalised(self._next, pulses)
            self.update_tracking(values, slopes, known[self._next : self._next + pulses], pilot_set, pulses)
        self._next_pilot = (len(known) - PREAMBLE_PULSES) // BLOCK_PULSES * PILOTS

    def blocks(self, count: int, block_data: int = DATA) -> EqualisedSymbols:
        """Demodulate the next blocks of the single carrier; pilots are removed.

        Args:
            count: number of blocks.
            block_data: pulses of data in a block.
        """
        each = PILOTS + block_data
        pulses = count * each
        values, slopes = self._equalised(self._next, pulses)
        index = (np.arange(count)[:, None] * each + np.arange(PILOTS)).reshape(-1)
        ones = np.ones(len(index))
        # The first symbols of an analog code may be many times stronger than the mean, and so is what they leak.
        leakage = self._leakage * max(1.0, float((np.abs(values) ** 2).mean()))
        pilot_set = PilotSet(float(index.mean()), self._curvature * ones, ones, self._slope_bias, leakage)
        known = pilots(self._next_pilot, len(index))
        correction = self.update_tracking(values[index], slopes[index], known, pilot_set, pulses)
        self._next_pilot += len(index)
        self._track_spurs(pulses)
        data = np.delete((values + slopes * correction.timing) * correction.rotation, index)
        noise = np.full(len(data), correction.noise_variance, dtype=np.float32)
        return EqualisedSymbols(data.astype(np.complex64), noise)

    def ofdm_symbols(self, count: int) -> EqualisedSymbols:
        """Demodulate the next OFDM symbols; pilots are removed, the noise variance is that of each subcarrier."""
        pulses, carriers = count * OFDM_PULSES, pilot_subcarriers()
        values, slopes = self._pulses(self._next + np.arange(pulses))
        grid, slope_grid = demodulate(values) / self._response, demodulate(slopes) / self._response
        power = np.abs(self._response) ** 2
        weight = power / power[carriers].mean()
        curvature = np.tile((2 * np.pi * carriers / SUBCARRIERS) ** 2, count)
        pilot_set = PilotSet(pulses / 2, curvature, np.tile(weight[carriers], count), 0.0, 0.0)
        received, slopes = (part[:, carriers].reshape(-1) for part in (grid, slope_grid))
        known = pilots(self._next_pilot, len(received))
        correction = self.update_tracking(received, slopes, known, pilot_set, pulses)
        self._next_pilot += len(received)
        self._track_spurs(pulses)
        # Within an OFDM symbol phase and timing are taken as constant: the carrier offset is removed already.
        rotation, timing = (
            part.reshape(count, -1).mean(1)[:, None] for part in (correction.rotation, correction.timing)
        )
        data = ((grid + slope_grid * timing) * rotation)[:, data_subcarriers()] * scrambling().conj()
        noise = correction.noise_variance / np.maximum(weight[data_subcarriers()], MIN_NOISE)
        variance = np.broadcast_to(noise, data.shape).reshape(-1).astype(np.float32)
        return EqualisedSymbols(data.reshape(-1).astype(np.complex64), variance)

    def update_tracking(
        self, received: Pulses, slopes: Pulses, known: Pulses, pilot_set: PilotSet, pulses: int
    ) -> Correction:
        """Update phase, gain, timing and noise variance by pilots, and advance to the next pulses.

        Args:
            received: pilots as received and equalised.
            slopes: their derivatives over the symbol time.
            known: the same pilots as sent.
            pilot_set: positions and weights of the pilots.
            pulses: number of pulses until the next update.
        """
        total = float(pilot_set.weight.sum())
        time, span = self._next + pilot_set.mean_index, self._next + np.arange(pulses)
        variance = self.noise_variance / (2 * total)  # of the real or the imaginary part of a mean over the pilots
        phase = self._phase.value_at(time)
        phases, timings = self._phase.values_at(span), self._timing.values_at(span)
        mean = complex((received * known.conj() * pilot_set.weight).sum()) / total
        self._phase.update(time, math.atan2(mean.imag, mean.real), variance)
        rotation = np.exp(1j * (phase - self._phase.value_at(time)))
        self._gain.update(time, (mean * rotation).real - self._gain.value_at(time), variance)
        gain = max(self._gain.value_at(time), MIN_GAIN)
        sharpness = float((pilot_set.curvature * pilot_set.weight).sum())
        slope = float(((slopes * known.conj() * pilot_set.weight).sum() * rotation).real) / gain
        # The slope is linear in the timing error near zero only, and interference may look like a large error.
        late = min(max((pilot_set.slope_bias * total - slope) / sharpness, -MAX_TIMING_STEP), MAX_TIMING_STEP)
        self._timing.update(time, -late, (self.noise_variance + pilot_set.leakage) / (2 * sharpness))
        error = np.abs(received * rotation / gain - known) ** 2
        residual = float((error * pilot_set.weight).sum()) / total
        self.noise_variance += (residual - self.noise_variance) / NOISE_MEMORY
        self.noise_variance = max(self.noise_variance, MIN_NOISE)
        rotations = np.exp(1j * (phases - self._phase.values_at(span))) / gain
        self._next += pulses
        return Correction(rotations, self._timing.values_at(span) - timings, self.noise_variance)

    def _track_spurs(self, pulses: int) -> None:
        """Let the spurs follow the last pulses read."""
        index = self._next + np.arange(-pulses, 0)
        self._sampler.track_spurs(index + self._timing.values_at(index))

    def _preamble_slopes(self, *, flat: bool) -> tuple[float, float]:
        """Mean slope of the equalised preamble along its pulses, and the power of the rest over the curvature."""
        if flat:
            return 0.0, PILOT_LEAKAGE
        inner = slice(len(self._equaliser), PREAMBLE_PULSES - len(self._equaliser))
        slopes = (self._equalised(0, PREAMBLE_PULSES)[1] * preamble().conj())[inner].real
        return float(slopes.mean()), PILOT_LEAKAGE + 2 * float(slopes.var()) / self._curvature

    def _equalised(self, first: int, count: int) -> tuple[Pulses, Pulses]:
        """Pulses and their slopes after the equaliser."""
        around = first + np.arange(-(len(self._equaliser) - 1 - self._delay), count + self._delay)
        values, slopes = self._pulses(around)
        if self._delay == 0:
            return values * self._equaliser[0], slopes * self._equaliser[0]
        return np.convolve(values, self._equaliser, "valid"), np.convolve(slopes, self._equaliser, "valid")

    def _pulses(self, index: np.ndarray) -> tuple[Pulses, Pulses]:
        timing, phase = self._timing.values_at(index), self._phase.values_at(index)
        return self._sampler.pulses(index, self.cfo, timing, phase)
