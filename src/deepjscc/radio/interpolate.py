"""Interpolation of a band-limited signal: values and slopes at any time, from two samples per symbol time."""

from functools import cache

import numpy as np
from jaxtyping import Float

from deepjscc.radio.pulse import Samples

REACH = 8  # samples on either side that an interpolated value depends on
PHASES = 512  # of the table of filters; between two phases the value is extrapolated by the slope
SHAPE = 9.0  # parameter of the Kaiser window


def interpolate(samples: Samples, times: Float[np.ndarray, " times"]) -> tuple[Samples, Samples]:
    """Interpolate values and slopes.

    Args:
        samples: signal within 5/16 of the sample rate, such as a roll-off of 1/4 at two samples per symbol time.
        times: times in samples, between ``REACH`` and ``len(samples) - REACH - 1``.

    Returns:
        The value at each time, and its derivative over the time in samples.
    """
    steps = np.rint(times * PHASES).astype(np.int64)
    whole, phase = steps // PHASES, steps % PHASES
    windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * REACH)[whole - REACH + 1]
    value_taps, slope_taps = _tables()
    value = np.einsum("tk,tk->t", windows, value_taps[phase])
    slope = np.einsum("tk,tk->t", windows, slope_taps[phase])
    return value + slope * (times - steps / PHASES).astype(np.float32), slope


@cache
def _tables() -> tuple[Float[np.ndarray, "phases taps"], Float[np.ndarray, "phases taps"]]:
    """Windowed sinc and its derivative for every fraction of a sample."""
    fraction = np.arange(PHASES)[:, None] / PHASES
    near = 1e-4
    before, here, after = (_kernel(fraction + move - np.arange(1 - REACH, REACH + 1)) for move in (-near, 0, near))
    return here.astype(np.float32), ((after - before) / (2 * near)).astype(np.float32)


def _kernel(time: Float[np.ndarray, "phases taps"]) -> Float[np.ndarray, "phases taps"]:
    inside = np.sqrt(np.clip(1 - (time / REACH) ** 2, 0, None))
    return np.sinc(time) * np.i0(SHAPE * inside) / np.i0(SHAPE)
