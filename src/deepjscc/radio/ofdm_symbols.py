"""CP-OFDM as amplitudes of pulses: 512 subcarriers within the symbol rate, pilots, and a cyclic prefix.

After the matched filter and at the right times, pulses have no intersymbol interference. A Fourier transform of their
amplitudes therefore is OFDM, and preamble, header and timing are those of the single carrier.
"""

from functools import cache

import numpy as np
from jaxtyping import Complex, Int

from deepjscc.radio.zadoff_chu import PILOT_LENGTH, Pulses, pilots, zadoff_chu

SUBCARRIERS = 512
PREFIX = 32  # length of the cyclic prefix in pulses
OFDM_PULSES = SUBCARRIERS + PREFIX
EDGE = 248  # the outermost subcarrier used; subcarrier 0 stays empty because receivers add a DC offset there
SCRAMBLING_ROOT = 1723
EARLY = 8  # pulses by which the receiver's window begins early, for echoes before the strongest path

Grid = Complex[np.ndarray, "symbols subcarriers"]


@cache
def pilot_subcarriers() -> Int[np.ndarray, " pilots"]:
    """Subcarriers of the 16 pilots, within the band where the pulse's spectrum is flat."""
    inner = np.arange(12, 181, 24)
    return np.concatenate([-inner[::-1], inner])


@cache
def data_subcarriers() -> Int[np.ndarray, " data"]:
    """Subcarriers of the symbols, in rising order of frequency."""
    used = np.concatenate([np.arange(-EDGE, 0), np.arange(1, EDGE + 1)])
    return used[~np.isin(used, pilot_subcarriers())]


DATA_SUBCARRIERS = 2 * EDGE - 16


@cache
def scrambling() -> Pulses:
    """Phase factors of the symbols: neighbouring symbols of a picture are alike, and would add up to peaks."""
    return zadoff_chu(SCRAMBLING_ROOT, np.arange(DATA_SUBCARRIERS), PILOT_LENGTH).astype(np.complex64)


def modulate(symbols: Pulses, first_pilot: int) -> Pulses:
    """Amplitudes of the pulses of whole OFDM symbols; each subcarrier has the power of its symbol.

    Args:
        symbols: a multiple of :data:`DATA_SUBCARRIERS`.
        first_pilot: number of the first pilot.
    """
    blocks = symbols.reshape(-1, DATA_SUBCARRIERS)
    grid = np.zeros((len(blocks), SUBCARRIERS), dtype=np.complex64)
    grid[:, data_subcarriers()] = blocks * scrambling()  # a negative frequency is a negative index
    known = pilots(first_pilot, 16 * len(blocks)).reshape(-1, 16)
    grid[:, pilot_subcarriers()] = known
    time = np.fft.ifft(grid, axis=1, norm="ortho")
    return np.concatenate([time[:, -PREFIX:], time], axis=1).reshape(-1).astype(np.complex64)


def demodulate(pulses: Pulses) -> Grid:
    """Subcarriers of whole OFDM symbols, index = frequency modulo 512; the symbols are still scrambled."""
    blocks = pulses.reshape(-1, OFDM_PULSES)[:, PREFIX - EARLY : OFDM_PULSES - EARLY]
    return np.fft.fft(np.roll(blocks, -EARLY, axis=1), axis=1, norm="ortho")
