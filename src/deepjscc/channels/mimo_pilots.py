"""Pilots of a channel of several antennas, and the LMMSE estimate of its matrix from them."""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from deepjscc.channels.base import complex_normal

REPEATS = 32  # how often the pilots of all antennas are sent: an error of H multiplies the strong symbols
Matrix = Complex[Tensor, "batch receive transmit"]


def pilot_uses(transmit: int) -> int:
    """Symbols at the transmit antennas that pilots take: in each repetition every antenna sends in every use."""
    return REPEATS * transmit * transmit


def receive_pilots(
    matrix: Matrix, n0: Float[Tensor, " batch"], generator: torch.Generator | None = None
) -> Complex[Tensor, "batch receive transmit"]:
    """The mean over repetitions of the received pilots ``Y = H F + N``.

    The columns of the unitary DFT matrix F are sent one after another: each has power 1 over all antennas.

    Args:
        matrix: H.
        n0: noise variance of each image.
        generator: of the noise.
    """
    noise = complex_normal(matrix.shape, matrix, generator) * (n0 / REPEATS).sqrt()[:, None, None]
    return matrix @ _dft(matrix) + noise


def estimate_matrix(
    pilots: Complex[Tensor, "batch receive transmit"], n0: Float[Tensor, " batch"]
) -> tuple[Matrix, Float[Tensor, " batch"]]:
    """The LMMSE estimate of H with i.i.d. entries CN(0, 1) (Kay 1993, sec. 12.5), and the variance of its error.

    Args:
        pilots: of :func:`receive_pilots`.
        n0: noise variance of each image.
    """
    variance = n0.double() / REPEATS
    least_squares = pilots @ _dft(pilots).mH
    return least_squares / (1 + variance)[:, None, None], variance / (1 + variance)


def _dft(like: Tensor) -> Tensor:
    """The unitary DFT matrix over the transmit antennas."""
    count = like.shape[-1]
    return torch.fft.fft(torch.eye(count, dtype=like.dtype, device=like.device)) / math.sqrt(count)
