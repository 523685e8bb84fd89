"""Synchronisation of one frame by its known pulses: carrier offset, phase, channel, and how certain each of them is."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from deepjscc.radio.channel_estimate import ChannelEstimate, estimate_channel
from deepjscc.radio.frame import BLOCK_PULSES, PILOTS
from deepjscc.radio.frame_header import HEADER_LENGTHS
from deepjscc.radio.front_end import FrontEnd, estimate_front_end
from deepjscc.radio.kalman_filter import KalmanFilter
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.pulse_sampler import PulseSampler
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.spurs import SpurTracker, Tone, expected_pulses, find_tones, known_edges
from deepjscc.radio.synchronise import Acquisition, refine_offset
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, pilots, preamble

CLOCK_DEVIATION = 5e-5  # standard deviation of the clocks' ratio from 1
MIN_TIMING_DEVIATION = 1e-3  # of the timing from the preamble, in symbol times, however little noise there is
TIMING_PROCESS_NOISE = 1e-10  # random walk of clocks, in squared symbol times per symbol time
PHASE_PROCESS_NOISE = 3e-8  # random walk of oscillators, in squared radians per symbol time
GAIN_PROCESS_NOISE = 1e-8  # random walk of the gain, squared, per symbol time
SPUR_ROUNDS = 2
MAX_OFFSET_ERROR = 3e-4  # cycles per symbol time that the estimate from the preamble may be off


@dataclass(frozen=True)
class FrameSync:
    """The synchronisation of a frame at its preamble.

    Attributes:
        sampler: reads the frame's pulses.
        curvature: minus the second derivative of the pulse's autocorrelation.
        cfo: carrier offset in cycles per symbol time.
        clock: relative clock offset.
        channel: impulse response and noise variance.
        phase: carrier phase in radians at pulse ``phase_time``.
        phase_time: mean position of the known pulses.
        phase_deviation: standard deviation of ``phase``.
        offset_deviation: standard deviation of the carrier offset, in radians per symbol time.
    """

    sampler: PulseSampler
    curvature: float
    cfo: float
    clock: float
    channel: ChannelEstimate
    phase: float
    phase_time: float
    phase_deviation: float
    offset_deviation: float

    @property
    def noise_variance(self) -> float:
        """Noise variance over the received power of a pulse."""
        return self.channel.noise_variance / self.channel.power

    def initial_phase(self) -> KalmanFilter:
        """The tracking filter of the phase; value and rate are independent at the mean position."""
        deviations = self.phase_deviation, self.offset_deviation
        return KalmanFilter(self.phase, *deviations, PHASE_PROCESS_NOISE, time=self.phase_time)

    def initial_gain(self) -> KalmanFilter:
        """The tracking filter of the gain."""
        return KalmanFilter(1.0, math.sqrt(self.noise_variance / 2 / PREAMBLE_PULSES), 0.0, GAIN_PROCESS_NOISE)

    def initial_timing(self) -> KalmanFilter:
        """The tracking filter of the timing; its deviation is the Cramér-Rao bound from the preamble alone."""
        deviation = math.sqrt(self.noise_variance / (2 * PREAMBLE_PULSES * self.curvature)) + MIN_TIMING_DEVIATION
        middle = PREAMBLE_PULSES / 2
        return KalmanFilter(0.0, deviation, CLOCK_DEVIATION, TIMING_PROCESS_NOISE, rate=self.clock, time=middle)


def synchronise_known(buffer: SampleBuffer, acquisition: Acquisition, pulse: Pulse, known: Pulses) -> FrameSync:
    """Synchronise a frame whose header is known, and subtract spurs if there are any.

    A spur looks like echoes of the preamble to some degree, so that spurs and channel are estimated in turns.

    Args:
        buffer: matched-filtered samples, two per symbol time.
        acquisition: position, carrier offset and clock offset.
        pulse: pulse shape.
        known: all pulses of preamble and header.
    """
    sync = synchronise(buffer, acquisition, pulse, known)
    for _ in range(SPUR_ROUNDS):
        tones = _find_spurs(sync, known)
        if not tones:
            break
        late = _timing_error(synchronise(buffer, acquisition, pulse, known, spurs=tones))
        acquisition = replace(acquisition, at=acquisition.at - 2 * late)
        tones = tuple(replace(tone, middle=tone.middle + late) for tone in tones)
        sync = synchronise(buffer, acquisition, pulse, known, spurs=tones)
    return sync


def _timing_error(sync: FrameSync) -> float:
    """By how many symbol times the preamble is sampled too late, by least squares along the received slopes."""
    index = np.arange(PREAMBLE_PULSES)
    timing = sync.initial_timing().values_at(index)
    values, slopes = sync.sampler.pulses(index, sync.cfo, timing, np.full(len(index), sync.phase))
    inner = known_edges(len(index))
    error = (values - expected_pulses(preamble(), sync.channel.taps))[inner]
    return float(np.vdot(slopes[inner], error).real / np.vdot(slopes[inner], slopes[inner]).real)


def _find_spurs(sync: FrameSync, known: Pulses) -> tuple[Tone, ...]:
    """Tones in what the channel does not explain of the known pulses."""
    index = np.arange(len(known))
    times = index + sync.initial_timing().values_at(index)
    explained = expected_pulses(known, sync.channel.taps) * np.exp(1j * (2 * np.pi * sync.cfo * index + sync.phase))
    inner = known_edges(len(known))
    values, slopes = sync.sampler.received(times)
    return tuple(find_tones((values - explained)[inner], slopes[inner], times[inner], sync.channel.power))


def synchronise(
    buffer: SampleBuffer,
    acquisition: Acquisition,
    pulse: Pulse,
    known: Pulses | None = None,
    *,
    header_blocks: int = HEADER_LENGTHS[0],
    offset_sigmas: float = 0.0,
    front_end: FrontEnd | None = None,
    spurs: tuple[Tone, ...] = (),
) -> FrameSync:
    """Estimate carrier offset, phase and channel from the known pulses of a frame, and correct the front end.

    Args:
        buffer: matched-filtered samples, two per symbol time.
        acquisition: position and carrier offset by the preamble.
        pulse: pulse shape; its curvature says how precisely the timing is known.
        known: all pulses of preamble and header, once the header has been decoded. None: the preamble and the
            header's pilots.
        header_blocks: length of the header in blocks, where ``known`` is None.
        offset_sigmas: number of standard deviations to add to the estimated carrier offset.
        front_end: DC offset and I/Q imbalance to correct; None: they are estimated.
        spurs: tones to subtract.
    """
    sampler = PulseSampler(buffer, acquisition.at, front_end or FrontEnd(), SpurTracker(spurs))
    timing = KalmanFilter(0.0, 0.0, 0.0, 0.0, rate=acquisition.clock, time=PREAMBLE_PULSES / 2)

    def pulses_at(index: Int[np.ndarray, " pulses"], cfo: float, phase: float) -> Pulses:
        return sampler.pulses(index, cfo, timing.values_at(index), np.full(len(index), phase))[0]

    index, sent = known_before_decoding(header_blocks) if known is None else (np.arange(len(known)), known)
    parts = index[:PREAMBLE_PULSES], index[PREAMBLE_PULSES:]
    received = np.concatenate([pulses_at(part, acquisition.cfo, 0.0) for part in parts])
    correction, phase = refine_offset(received, sent, index, MAX_OFFSET_ERROR)
    cfo = acquisition.cfo + correction
    first = np.arange(PREAMBLE_PULSES)
    received_preamble = pulses_at(first, cfo, phase)
    channel = estimate_channel(received_preamble)
    if front_end is None:
        found = estimate_front_end(received_preamble, 2 * np.pi * cfo * first + phase, channel)
        if not found.ideal:
            refined = replace(acquisition, cfo=cfo)
            return synchronise(
                buffer,
                refined,
                pulse,
                known,
                header_blocks=header_blocks,
                offset_sigmas=offset_sigmas,
                front_end=found,
                spurs=spurs,
            )
    # Cramér-Rao bounds of phase and offset from all known pulses; independent of each other at the mean position.
    mean_index, half = float(index.mean()), channel.noise_variance / channel.power / 2
    phase_deviation = math.sqrt(half / len(index))
    offset_deviation = math.sqrt(half / (len(index) * float(index.var())))
    added = offset_sigmas * offset_deviation
    return FrameSync(
        sampler=sampler,
        curvature=pulse.curvature,
        cfo=cfo + added / (2 * math.pi),
        clock=acquisition.clock,
        channel=channel,
        phase=phase - added * mean_index,
        phase_time=mean_index,
        phase_deviation=phase_deviation,
        offset_deviation=offset_deviation,
    )


def known_before_decoding(header_blocks: int) -> tuple[Int[np.ndarray, " known"], Pulses]:
    """Positions and values of the pulses known before the header is decoded: the preamble and the header's pilots."""
    blocks = PREAMBLE_PULSES + np.arange(header_blocks)[:, None] * BLOCK_PULSES
    index = (blocks + np.arange(PILOTS)).reshape(-1)
    return np.concatenate([np.arange(PREAMBLE_PULSES), index]), np.concatenate([preamble(), pilots(0, len(index))])
