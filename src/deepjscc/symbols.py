"""Symbols: pairing a real latent into I/Q, power per image, and counting channel uses."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.types import Latent, Size, Symbols


def to_symbols(latent: Latent) -> Symbols:
    """Pair neighbouring reals of one image into I and Q; an odd last one gets Q = 0.

    >>> to_symbols(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1.+2.j, 3.+0.j]])
    """
    if latent.shape[1] % 2:
        latent = torch.nn.functional.pad(latent, (0, 1))
    return torch.view_as_complex(latent.float().reshape(latent.shape[0], -1, 2))


def to_latent(symbols: Symbols, reals: int) -> Latent:
    """Undo :func:`to_symbols`, dropping the padding of an odd count."""
    return torch.view_as_real(symbols).flatten(1)[:, :reals]


def mean_power(symbols: Symbols) -> Float[Tensor, " batch"]:
    """Mean |z|^2 of each image's symbols."""
    return symbols.real.square().mean(1) + symbols.imag.square().mean(1)


def normalise_power(symbols: Symbols) -> Symbols:
    """Scale each image's symbols to mean power 1 (Bourtsoulatze et al. 2019, eq. 1, P = 1); all-zero stays zero.

    >>> symbols = normalise_power(torch.tensor([[3 + 4j, 0j], [0j, 0j]]))
    >>> mean_power(symbols)
    tensor([1., 0.])
    """
    power = mean_power(symbols)
    scale = torch.where(power > 0, power.clamp_min(1e-30).rsqrt(), torch.zeros_like(power))
    return symbols * scale[:, None]


def channel_uses(size: Size, bandwidth_ratio: float) -> int:
    """Complex uses that a bandwidth ratio grants an image: ``floor(n · ratio)``, n = 3·H·W.

    >>> channel_uses((32, 32), 1 / 6)
    512
    """
    if not (0 < bandwidth_ratio < math.inf):
        raise UsageError(f"bandwidth ratio {bandwidth_ratio} is not a positive number")
    return math.floor(3 * size[0] * size[1] * bandwidth_ratio + 1e-6)
