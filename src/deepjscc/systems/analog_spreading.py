"""Spreading of analog symbols over all of their channel uses, after which they are Gaussian and equally strong.

The analog layer of a hybrid is spread so that the base meets Gaussian interference, and symbols for a finite
constellation so that they fit into it.

The coefficients of the analog layer have unequal variances, and what they add to a base's symbols has heavier tails
than noise of the same power: a channel code needs 0.05 to 0.1 dB more for it than its block error rates say. A unitary
DFT behind fixed pseudo-random signs makes every symbol a sum of all coefficients, which is nearly Gaussian. It changes
neither the power nor, over a channel with one noise variance, the error of the coefficients.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from deepjscc.digital.fine.shaping import scrambler

NUMBER = 1  # of the pseudo-random sequence; messages of the base take 0

Spread = Complex[Tensor, " uses"]


def spread(symbols: Spread) -> Spread:
    """Spread symbols by a unitary transform.

    Args:
        symbols: of the analog layer, ``[uses]``.

    Returns:
        As many, of the same energy.
    """
    return torch.fft.fft(symbols * _signs(symbols), norm="ortho")


def despread(symbols: Spread, noise_variance: Float[Tensor, " uses"]) -> tuple[Spread, Float[Tensor, " uses"]]:
    """Invert :func:`spread` for symbols that were received with noise, by the unbiased LMMSE estimate.

    Symbols that met more noise count less, as in frequency-domain equalisation of a single carrier (Falconer et al.
    2002): with weights ``w = 1 / (1 + noise_variance)`` of mean b, all coefficients have the noise variance
    ``(1 - b) / b``.

    Args:
        symbols: as received, at the scale at which they were sent, with mean power 1.
        noise_variance: of each.

    Returns:
        The symbols that were spread, and the noise variance of each.
    """
    if not len(symbols):
        return symbols, noise_variance
    noise = noise_variance.double()
    weights = 1 / (1 + noise)
    mean = weights.mean().clamp_min(1e-30)
    error = (noise * weights).nan_to_num(1.0).mean()  # infinite noise leaves no weight
    weighed = torch.where(weights > 0, symbols, torch.zeros_like(symbols)) * weights.to(symbols.real.dtype)
    estimate = torch.fft.ifft(weighed, norm="ortho") * _signs(symbols) / mean.item()
    return estimate, (error / mean).to(noise_variance.dtype).expand_as(noise_variance)


def _signs(symbols: Spread) -> Float[Tensor, " uses"]:
    """Fixed pseudo-random signs for as many symbols, with which equal ones become noise-like as well."""
    return 1 - 2 * torch.from_numpy(scrambler(len(symbols), NUMBER).astype("float32")).to(symbols.device)
