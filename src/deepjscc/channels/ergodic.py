"""Ergodic capacity of fast flat fading whose gain the receiver knows: E[log2(1 + |h|^2 P/N0)]."""

import math
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from deepjscc.types import SnrDb
from deepjscc.units import from_db

ASYMPTOTIC_FROM = 500.0  # argument from which exp(x) E1(x) is taken from its asymptotic series
LOWEST, HIGHEST = 1e-18, 50.0  # powers of the scatter, in units of its mean, between which there is anything to add
NODES = 256  # of the Gauss-Legendre rule on either side of the point where scatter and line of sight are equal


def rayleigh_capacity(snr_db: SnrDb) -> Float[Tensor, " batch"]:
    """Ergodic capacity of Rayleigh fading in bits per complex use: ``exp(1/s) E1(1/s) / ln 2`` (Lee 1990, eq. 6).

    Args:
        snr_db: average P/N0 = s, in dB.
    """
    from scipy.special import exp1

    x = from_db(-snr_db.double()).cpu().numpy()
    far = np.maximum(x, ASYMPTOTIC_FROM)
    series = (1 - 1 / far + 2 / far**2 - 6 / far**3) / far
    near = np.minimum(x, ASYMPTOTIC_FROM)
    nats = np.where(x < ASYMPTOTIC_FROM, np.exp(near) * exp1(near), series)
    return torch.from_numpy(np.asarray(nats / math.log(2))).to(snr_db.device)


def rician_capacity(snr_db: SnrDb, k_factor: float) -> Float[Tensor, " batch"]:
    """Ergodic capacity of Rician fading in bits per complex use, by numerical integration.

    The mean over the phase between line of sight a and scatter b is closed, ln((A + sqrt(A^2 - B^2)) / 2) with
    A = 1 + s (a^2 + b^2) and B = 2 s a b (Gradshteyn & Ryzhik, 4.224.9). The mean over b^2, which is exponential, is
    integrated over ln b^2 on either side of b = a, where the integrand bends.

    Args:
        snr_db: average P/N0 = s, in dB.
        k_factor: power of the line of sight over that of the scatter, linear.
    """
    snr = from_db(snr_db.double()).cpu().numpy()[:, None]
    power, weight = _scatter_rule(k_factor)
    sight, scatter = k_factor / (k_factor + 1), power / (k_factor + 1)
    half = 1 + snr * (sight + scatter)
    # A^2 - B^2 without cancellation: 1 + 2 s (a^2 + b^2) + s^2 (a^2 - b^2)^2.
    root = np.sqrt(1 + 2 * snr * (sight + scatter) + (snr * (sight - scatter)) ** 2)
    nats = (weight * np.log((half + root) / 2)).sum(1)
    return torch.from_numpy(np.asarray(nats / math.log(2))).to(snr_db.device)


def _scatter_rule(k_factor: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes t and weights of the integral of ``exp(-t) f(t)``, in two pieces of ln t that meet at ``k_factor``."""
    ends = [math.log(LOWEST), math.log(min(max(k_factor, 1e-3), 0.9 * HIGHEST)), math.log(HIGHEST)]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    logs = np.concatenate([(low + high + (high - low) * nodes) / 2 for low, high in pairwise(ends)])
    spans = np.concatenate([(high - low) / 2 * weights for low, high in pairwise(ends)])
    power = np.exp(logs)
    weight = spans * power * np.exp(-power)
    return power, weight / weight.sum()
