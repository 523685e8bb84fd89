"""CP-OFDM as amplitudes of pulses: 512 subcarriers over the symbol rate, cyclic prefix, pilots among them.

The pulses after matched filtering and in time carry no intersymbol interference, so a transform of the amplitudes is
OFDM, and everything around it (preamble, header, timing) is that of the single carrier.
"""

from functools import cache

import numpy as np
from jaxtyping import Complex, Int

from deepjscc.radio.zadoff_chu import PILOT_LENGTH, Pulses, pilots, zadoff_chu

SUBCARRIERS = 512
PREFIX = 32  # pulses of the cyclic prefix
OFDM_PULSES = SUBCARRIERS + PREFIX
EDGE = 248  # the outermost subcarrier used; 0 stays empty, for a radio may put its own carrier there
SCRAMBLING_ROOT = 1723
EARLY = 8  # pulses of the prefix that are taken in, so that echoes may also come before the strongest path

Grid = Complex[np.ndarray, "symbols subcarriers"]


@cache
def pilot_subcarriers() -> Int[np.ndarray, " pilots"]:
    """Where the pilots are: 16, within the band that roll-off leaves flat."""
    inner = np.arange(12, 181, 24)
    return np.concatenate([-inner[::-1], inner])


@cache
def data_subcarriers() -> Int[np.ndarray, " data"]:
    """Where the symbols go, from the lowest frequency up."""
    used = np.concatenate([np.arange(-EDGE, 0), np.arange(1, EDGE + 1)])
    return used[~np.isin(used, pilot_subcarriers())]


DATA_SUBCARRIERS = 2 * EDGE - 16


@cache
def scrambling() -> Pulses:
    """Phases that the symbols are turned by: neighbouring symbols of a picture are alike, and would add up to peaks."""
    return zadoff_chu(SCRAMBLING_ROOT, np.arange(DATA_SUBCARRIERS), PILOT_LENGTH).astype(np.complex64)


def modulate(symbols: Pulses, first_pilot: int) -> Pulses:
    """Symbols, a multiple of 480, to amplitudes: a subcarrier has the power of its symbol."""
    blocks = symbols.reshape(-1, DATA_SUBCARRIERS)
    grid = np.zeros((len(blocks), SUBCARRIERS), dtype=np.complex64)
    grid[:, data_subcarriers()] = blocks * scrambling()  # a negative frequency is a negative index
    known = pilots(first_pilot, 16 * len(blocks)).reshape(-1, 16)
    grid[:, pilot_subcarriers()] = known
    time = np.fft.ifft(grid, axis=1, norm="ortho")
    return np.concatenate([time[:, -PREFIX:], time], axis=1).reshape(-1).astype(np.complex64)


def demodulate(pulses: Pulses) -> Grid:
    """Amplitudes of whole OFDM symbols to subcarriers, index = frequency modulo 512; symbols are still scrambled."""
    blocks = pulses.reshape(-1, OFDM_PULSES)[:, PREFIX - EARLY : OFDM_PULSES - EARLY]
    return np.fft.fft(np.roll(blocks, -EARLY, axis=1), axis=1, norm="ortho")
