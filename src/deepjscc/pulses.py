"""Raised cosines: the pulse that a radio sends, and what it and its matched filter make of it."""

import numpy as np
from jaxtyping import Float

Times = Float[np.ndarray, " times"]


def root_raised_cosine(time: Times, roll_off: float) -> Times:
    """The pulse at times in symbol times: its squared spectrum is Nyquist's (Proakis, Digital Communications, 9.2)."""
    edge = 4 * roll_off * time
    with np.errstate(divide="ignore", invalid="ignore"):
        taps = (np.sin(np.pi * time * (1 - roll_off)) + edge * np.cos(np.pi * time * (1 + roll_off))) / (
            np.pi * time * (1 - edge**2)
        )
    taps[np.isclose(time, 0)] = 1 - roll_off + 4 * roll_off / np.pi
    bend = np.pi / (4 * roll_off)
    taps[np.isclose(np.abs(edge), 1)] = (
        roll_off / np.sqrt(2) * ((1 + 2 / np.pi) * np.sin(bend) + (1 - 2 / np.pi) * np.cos(bend))
    )
    return taps


def raised_cosine(time: Times, roll_off: float) -> Times:
    """Evaluate what a pulse and its matched filter make of an amplitude: 1 at 0, 0 at other whole symbol times."""
    below = 1 - (2 * roll_off * time) ** 2
    flat = np.isclose(below, 0)
    shape = np.cos(np.pi * roll_off * time) / np.where(flat, 1, below)
    return np.sinc(time) * np.where(flat, np.pi / 4, shape)
