"""Received pulses by their number in a frame: interpolation at the symbol times, carrier offset and phase removed."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from deepjscc.radio.front_end import FrontEnd
from deepjscc.radio.interpolate import REACH, interpolate
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.spurs import SpurTracker
from deepjscc.radio.zadoff_chu import Pulses


@dataclass(frozen=True)
class PulseSampler:
    """Reads the pulses of one frame from the filtered samples.

    Attributes:
        buffer: matched-filtered samples, two per symbol time.
        start: position of the frame's first pulse in half symbol times, fractional.
        front_end: faults of the receiver that are corrected first.
        spurs: tones that are subtracted from the pulses.
    """

    buffer: SampleBuffer
    start: float
    front_end: FrontEnd = field(default_factory=FrontEnd)
    spurs: SpurTracker = field(default_factory=SpurTracker)

    def pulses(
        self,
        index: Int[np.ndarray, " pulses"],
        cfo: float,
        timing: Float[np.ndarray, " pulses"],
        phase: Float[np.ndarray, " pulses"],
    ) -> tuple[Pulses, Pulses]:
        """Interpolate the signal at the symbol times, subtract spurs and remove the carrier offset.

        Args:
            index: numbers of the pulses in the frame, rising.
            cfo: carrier offset in cycles per symbol time.
            timing: timing error of each pulse in symbol times.
            phase: carrier phase of each pulse in radians, beyond what ``cfo`` makes.

        Returns:
            Values, and their derivatives over the symbol time.
        """
        values, slopes = self.received(index + timing)
        if len(self.spurs):
            spurs, spur_slopes = self.spurs.at(index + timing)
            values, slopes = values - spurs, slopes - spur_slopes
        derotation = np.exp(-1j * (2 * np.pi * cfo * index + phase)).astype(np.complex64)
        return values * derotation, slopes * derotation

    def track_spurs(self, times: Float[np.ndarray, " pulses"]) -> None:
        """Let the spurs' phases follow the pulses at these times, in symbol times from the frame's first pulse."""
        if len(self.spurs):
            self.spurs.update(self.received(times)[0], times)

    def received(self, times: Float[np.ndarray, " pulses"]) -> tuple[Pulses, Pulses]:
        """Values and slopes at these times, with the front end's faults corrected and the spurs left in."""
        positions = self.start + 2 * times
        first, last = math.floor(positions[0]) - REACH, math.ceil(positions[-1]) + REACH + 1
        values, slopes = interpolate(self.front_end.correct(self.buffer.take(first, last)), positions - first)
        return values, 2 * slopes
