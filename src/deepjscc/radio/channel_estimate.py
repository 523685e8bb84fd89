"""The channel between the antennas, from the preamble: a few taps a symbol time apart, and filters that undo them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Complex

from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses, preamble

FIRST, LAST = -8, 24  # symbol times before and after the strongest path within which echoes are looked for
SIGNIFICANT = 12.0  # power of a tap over that of noise in its estimate: 32 noise taps pass once in 5000 frames
EQUALISER = 128  # taps

Taps = Complex[np.ndarray, " _taps"]


@dataclass(frozen=True)
class ChannelEstimate:
    """What the preamble tells of the channel.

    Attributes:
        taps: of the delays :data:`FIRST` to :data:`LAST` in symbol times; 0 where there is no echo.
        noise_variance: of a received pulse.
    """

    taps: Taps
    noise_variance: float

    @property
    def power(self) -> float:
        """Of all taps: received power of a pulse."""
        return float((np.abs(self.taps) ** 2).sum())

    @property
    def flat(self) -> bool:
        """Whether there is but one path, at no delay."""
        return np.flatnonzero(self.taps).tolist() == [-FIRST]

    def equaliser(self) -> tuple[Taps, int]:
        """Taps of a linear MMSE equaliser whose gain is 1, and their delay in symbol times."""
        if self.flat:
            return 1 / self.taps[-FIRST : 1 - FIRST], 0
        delay = EQUALISER // 2
        lags = np.arange(EQUALISER + LAST - FIRST - 1)[:, None] - np.arange(EQUALISER)
        there = (lags >= 0) & (lags < len(self.taps))
        through = np.where(there, self.taps[lags.clip(0, len(self.taps) - 1)], 0)  # of equaliser taps to pulses
        crossed = through.conj().T
        taps = np.linalg.solve(crossed @ through + self.noise_variance * np.eye(EQUALISER), crossed[:, delay - FIRST])
        gain = through[delay - FIRST] @ taps  # MMSE shrinks, and decoders expect that it did not
        return taps / gain, delay

    def response(self, size: int) -> Taps:
        """Frequency response at ``size`` subcarriers, index = frequency modulo ``size``."""
        placed = np.zeros(size, dtype=np.complex128)
        placed[np.arange(FIRST, LAST) % size] = self.taps
        return np.fft.fft(placed)


def estimate_channel(pulses: Pulses) -> ChannelEstimate:
    """Least squares over the taps that stand out of the noise.

    Args:
        pulses: the received preamble, the carrier offset taken out.
    """
    design, solve = _design()
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
def _design() -> tuple[Complex[np.ndarray, "rows taps"], Complex[np.ndarray, "taps rows"]]:
    """The preamble as each tap would delay it, where nothing else reaches in, and its pseudo-inverse."""
    known, places = preamble(), np.arange(LAST - 1, PREAMBLE_PULSES + FIRST)
    design = np.stack([known[places - delay] for delay in range(FIRST, LAST)], axis=1)
    return design, np.linalg.pinv(design)
