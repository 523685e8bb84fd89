"""Zadoff-Chu sequences: the preamble, by which a frame is found, and the pilots, by which it is tracked."""

from functools import cache

import numpy as np
from jaxtyping import Complex, Int

Pulses = Complex[np.ndarray, " _pulses"]
"""Complex amplitudes of the pulses, one per symbol time, mean power 1."""

SEGMENT = 127  # length in pulses; prime, so that every root has the ideal autocorrelation
ROOT = (
    25  # 1/25 = 61 modulo 127: a carrier offset of 1/127 moves the peak by 61 pulses, and that of the conjugate by -61
)
SIGNS = (1, 1, -1, 1, 1, 1, 1, -1)  # of the segments: a Golay pair, so that shifts by whole segments cancel
PREAMBLE_PULSES = SEGMENT * len(SIGNS)
PILOT_ROOT, PILOT_LENGTH = 1021, 4099  # of the long sequence from which the pilots are taken


def zadoff_chu(root: int, index: Int[np.ndarray, " pulses"], length: int) -> Pulses:
    """Elements of a Zadoff-Chu sequence of odd length, ``exp(-j pi root n (n + 1) / length)`` (Chu 1972).

    Args:
        root: prime to the length.
        index: number n of each element, taken modulo the length.
        length: odd length of the sequence.
    """
    n = index % length
    return np.exp(-1j * np.pi / length * (root * n * (n + 1) % (2 * length)))


@cache
def segment() -> Pulses:
    """One segment of the preamble's first half; the second half has its conjugate."""
    return zadoff_chu(ROOT, np.arange(SEGMENT), SEGMENT)


@cache
def preamble() -> Pulses:
    """The preamble: four segments of one root and four of its conjugate, with signs.

    With a single root a carrier offset looks like a delay; a root and its conjugate are delayed in opposite directions.
    """
    half = len(SIGNS) // 2
    roots = [segment()] * half + [segment().conj()] * half
    return np.concatenate([sign * root for sign, root in zip(SIGNS, roots, strict=True)])


def pilots(first: int, count: int) -> Pulses:
    """The pilots of a frame from number ``first`` on."""
    return zadoff_chu(PILOT_ROOT, np.arange(first, first + count), PILOT_LENGTH)
