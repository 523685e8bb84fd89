"""Mutual information of Gray-labelled amplitudes with bit-interleaved coded modulation over Gaussian noise."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

NODES = 32  # of the Gauss-Hermite quadrature


def gray_labels(bits: int) -> np.ndarray:
    """Bits of each positive level, the lowest first, without the sign (3GPP TS 38.211, sec. 5.1).

    Args:
        bits: per real axis, the sign included.

    Returns:
        ``[2^(bits-1), bits-1]`` of 0 and 1.
    """
    labels = np.arange(2 ** (bits - 1))[:, None] >> np.arange(bits - 2, -1, -1)[None, :] & 1
    magnitudes = np.zeros(len(labels))
    for column in range(bits - 2, -1, -1):  # from the innermost bracket of the standard's formula outwards
        magnitudes = (1 - 2 * labels[:, column]) * (2 ** (bits - 2 - column) - magnitudes)
    return labels[np.argsort(2 ** (bits - 1) - magnitudes)]


@cache
def _quadrature() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, weights / math.sqrt(2 * math.pi)


def bicm_information(levels: np.ndarray, snr_db: float, weights: Sequence[int] | np.ndarray | None = None) -> float:
    """1 minus the uncertainty of a coded bit after reception, the mean over the bits of an axis.

    With equally likely levels it is the mutual information of bit-interleaved coded modulation (Caire, Taricco,
    Biglieri 1998, eq. 9). With others the receiver knows their probabilities beforehand; it is then the largest code
    rate of probabilistic amplitude shaping (Böcherer, Steiner, Schulte 2015).

    Args:
        levels: positive levels of an axis, rising, of mean square 1, labelled by :func:`gray_labels` and a sign.
        snr_db: mean square of an axis over its noise variance; that of a complex symbol with two such axes is the same.
        weights: proportional to the probabilities of the positive levels; None for equal ones.

    Returns:
        Between 0 and 1.
    """
    nodes, node_weights = _quadrature()
    bits = int(math.log2(len(levels))) + 1
    noise = 10 ** (-snr_db / 20)
    every = np.concatenate([levels, -levels])
    labels = np.concatenate([np.pad(gray_labels(bits), ((0, 0), (1, 0)), constant_values=sign) for sign in (0, 1)])
    # By symmetry positive levels are enough as inputs: [levels, nodes, points].
    away = (levels[:, None, None] + noise * nodes[None, :, None] - every) / noise
    chances = np.ones(len(levels)) if weights is None else np.asarray(weights, dtype=float)
    chances = chances / chances.sum()
    density = np.exp(-(away**2) / 2) * np.tile(chances, 2) + 1e-300
    total = density.sum(-1)
    lost = 0.0
    for bit in range(bits):
        same = labels[: len(levels), bit][:, None] == labels[None, :, bit]
        each = (np.log2(total / (density * same[:, None, :]).sum(-1)) * node_weights).sum(-1)
        lost += float((each * chances).sum())
    return 1 - lost / bits


@cache
def bicm_curve(levels: tuple[float, ...], weights: tuple[int, ...] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate :func:`bicm_information` over the SNR: rising SNRs in dB, and the information at each.

    Args:
        levels: see :func:`bicm_information`.
        weights: see there.
    """
    snr_db = np.arange(-40, 16.01, 0.25) if len(levels) == 1 else np.arange(-20, 50.01, 0.25)
    return snr_db, np.array([bicm_information(np.array(levels), float(one), weights) for one in snr_db])


def binary_snr_db(information: float) -> float:
    """SNR at which a binary antipodal symbol has so much mutual information.

    Args:
        information: per symbol, between 0 and 1.
    """
    snr_db, curve = bicm_curve((1.0,))
    return float(np.interp(information, curve, snr_db))
