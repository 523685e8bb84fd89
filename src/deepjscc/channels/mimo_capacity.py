"""Capacity of i.i.d. Rayleigh channels of several antennas, known to the receiver alone or to both ends."""

import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from numpy.typing import NDArray
from torch import Tensor

from deepjscc.types import SnrDb
from deepjscc.units import from_db

Matrices = Complex[Tensor, "*batch receive transmit"]  #: H, entries CN(0, 1)
_NODES = 180  # of Gauss-Laguerre quadrature
_MOST_SNR = 1e30  # stands for a link without noise


def open_loop_capacity(matrices: Matrices, snr_db: SnrDb) -> Float[Tensor, "*batch"]:
    """Bits per vector use of an ideal code where the receiver alone knows H: ``log2 det(I + H H^H P/(N0 N_t))``.

    Args:
        matrices: H of each channel; the transmitter sends the same power from every antenna (Telatar 1999, eq. 8).
        snr_db: P / N0, P the power of all transmit antennas together; broadcast over the axes after the first.
    """
    return torch.log2(1 + _eigenvalues(matrices) * (_snr(matrices, snr_db) / matrices.shape[-1])[..., None]).sum(-1)


def closed_loop_capacity(matrices: Matrices, snr_db: SnrDb) -> Float[Tensor, "*batch"]:
    """Bits per vector use of an ideal code where both ends know H: water-filled powers (Telatar 1999, sec. 3.1).

    Args:
        matrices: H of each channel.
        snr_db: P / N0, P the power of all transmit antennas together.
    """
    gains = _eigenvalues(matrices)[..., : min(matrices.shape[-2:])] * _snr(matrices, snr_db)[..., None]
    floor, best = 1 / gains.clamp_min(1e-30), torch.zeros_like(gains[..., 0])
    for active in range(1, gains.shape[-1] + 1):  # the strongest subchannels, and the level of water in them
        level = (1 + floor[..., :active].sum(-1)) / active
        above = (level[..., None] - floor[..., :active]).clamp_min(0)
        filled = torch.log2(1 + above * gains[..., :active]).sum(-1)
        best = torch.where(above[..., -1] > 0, filled, best)
    return best


def ergodic_capacity(transmit: int, receive: int, snr_db: SnrDb) -> Float[Tensor, " batch"]:
    """The mean of :func:`open_loop_capacity` over i.i.d. Rayleigh fading, by Telatar's integral (1999, theorem 2).

    Args:
        transmit, receive: numbers of antennas.
        snr_db: P / N0.

    >>> ergodic_capacity(2, 2, torch.tensor([10.0]))
    tensor([5.5492], dtype=torch.float64)
    """
    from scipy.special import eval_genlaguerre, gammaln

    few, more = sorted((transmit, receive))
    node, weight = np.polynomial.laguerre.laggauss(_NODES)
    density: NDArray[np.float64] = np.zeros_like(node)  # of the eigenvalues of H H^H, without exp(-x)
    for k in range(few):
        norm = math.exp(gammaln(k + 1) - gammaln(k + more - few + 1))
        density += norm * eval_genlaguerre(k, more - few, node) ** 2 * node ** (more - few)
    snr = from_db(snr_db.double()).clamp_max(_MOST_SNR).cpu().numpy()[:, None]
    bits = (weight * density * np.log2(1 + snr * node / transmit)).sum(1)
    return torch.from_numpy(np.asarray(bits)).to(snr_db.device)


def _eigenvalues(matrices: Matrices) -> Float[Tensor, "*batch few"]:
    """The squared singular values of H, from the strongest."""
    return torch.linalg.svdvals(matrices.to(torch.complex128)).square()


def _snr(matrices: Matrices, snr_db: SnrDb) -> Tensor:
    """P / N0 of each matrix."""
    snr = from_db(snr_db.double()).clamp_max(_MOST_SNR).to(matrices.device)
    return snr.reshape(-1, *[1] * (matrices.dim() - 3)).expand(matrices.shape[:-2])
