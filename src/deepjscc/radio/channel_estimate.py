"""Estimation of the channel's impulse response from the preamble, and equalisers for it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Complex

from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, preamble

FIRST, LAST = -8, 24  # delays of the echoes that are estimated, in symbol times relative to the strongest path
SIGNIFICANT = (
    12.0  # least power of a tap over the noise of its estimate: of 32 taps one exceeds it by chance in 5000 frames
)
EQUALISER = 128  # number of taps

Taps = Complex[np.ndarray, " _taps"]


@dataclass(frozen=True)
class ChannelEstimate:
    """The channel as estimated from the preamble.

    Attributes:
        taps: gains at the delays :data:`FIRST` to :data:`LAST` in symbol times; 0 where no echo is significant.
        noise_variance: noise variance of a received pulse.
    """

    taps: Taps
    noise_variance: float

    @property
    def power(self) -> float:
        """Received power of a pulse: the sum over all taps."""
        return float((np.abs(self.taps) ** 2).sum())

    @property
    def flat(self) -> bool:
        """Return whether there is a single path, at delay zero."""
        return np.flatnonzero(self.taps).tolist() == [-FIRST]

    def equaliser(self) -> tuple[Taps, int]:
        """Taps of an unbiased linear MMSE equaliser (gain 1), and its delay in symbol times."""
        if self.flat:
            return 1 / self.taps[-FIRST : 1 - FIRST], 0
        delay = EQUALISER // 2
        lags = np.arange(EQUALISER + LAST - FIRST - 1)[:, None] - np.arange(EQUALISER)
        valid = (lags >= 0) & (lags < len(self.taps))
        convolution = np.where(valid, self.taps[lags.clip(0, len(self.taps) - 1)], 0)  # maps equaliser taps to pulses
        adjoint = convolution.conj().T
        taps = np.linalg.solve(
            adjoint @ convolution + self.noise_variance * np.eye(EQUALISER), adjoint[:, delay - FIRST]
        )
        gain = convolution[delay - FIRST] @ taps  # removes the bias of MMSE: decoders expect gain 1
        return taps / gain, delay

    def response(self, size: int) -> Taps:
        """Frequency response at ``size`` subcarriers, index = frequency modulo ``size``."""
        placed = np.zeros(size, dtype=np.complex128)
        placed[np.arange(FIRST, LAST) % size] = self.taps
        return np.fft.fft(placed)


def estimate_channel(pulses: Pulses) -> ChannelEstimate:
    """Least-squares estimate over the significant taps.

    Args:
        pulses: the received preamble, with the carrier offset removed.
    """
    design, solve = preamble_design(), _inverse_design()
    received = pulses[LAST - 1 : PREAMBLE_PULSES + FIRST]
    everything = solve @ received
    rows, columns = design.shape
    noise = float((np.abs(received - design @ everything) ** 2).sum()) / (rows - columns)
    strongest = int(np.abs(everything).argmax())
    kept = np.flatnonzero((np.abs(everything) ** 2 > SIGNIFICANT * noise / rows) | (np.arange(columns) == strongest))
    chosen = design[:, kept]
    values = np.linalg.solve(chosen.conj().T @ chosen, chosen.conj().T @ received)
    noise = float((np.abs(received - chosen @ values) ** 2).sum()) / (rows - len(kept))
    taps = np.zeros(columns, dtype=np.complex128)
    taps[kept] = values
    return ChannelEstimate(taps, max(noise, 1e-12 * float((np.abs(values) ** 2).sum()), 1e-30))


@cache
def preamble_design() -> Complex[np.ndarray, "rows taps"]:
    """The preamble at each delay, over the rows that unknown pulses do not reach."""
    known, places = preamble(), np.arange(LAST - 1, PREAMBLE_PULSES + FIRST)
    return np.stack([known[places - delay] for delay in range(FIRST, LAST)], axis=1)


@cache
def _inverse_design() -> Complex[np.ndarray, "taps rows"]:
    return np.linalg.pinv(preamble_design())
