"""Precoding where both ends know the channel: streams on its singular vectors, with water-filled powers."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

_MOST_SNR = 1e12  # of a subchannel: beyond, powers do not depend on the noise any more


def svd_precoder(
    matrices: Complex[Tensor, "batch matrices receive transmit"],
    n0: Float[Tensor, " batch"],
    stream_power: Float[Tensor, "batch streams"],
) -> Complex[Tensor, "batch matrices transmit streams"]:
    """Matrices W for which ``H W`` has orthogonal columns: stream i goes over the i-th strongest subchannel.

    The powers of the streams make the sum of the mean squared errors of their symbols least, each counted by the
    stream's own power: a stream of strong symbols matters more (Sampath, Stoica, Paulraj 2001, sec. III). The power of
    all streams together stays as it was.

    Args:
        matrices: H, or the estimate of it.
        n0: noise variance of each image.
        stream_power: mean power of the symbols of each stream, their mean being 1.
    """
    streams = stream_power.shape[1]
    _, singular, adjoint = torch.linalg.svd(matrices.to(torch.complex128), full_matrices=False)
    snr = singular.square() / streams / n0.double().clamp_min(1e-300)[:, None, None]
    powers = water_fill(snr.clamp(1e-12, _MOST_SNR), stream_power.double()[:, None])
    return (adjoint.mH * (powers / streams).sqrt()[..., None, :]).to(matrices.dtype)


def water_fill(
    snr: Float[Tensor, "batch matrices streams"], stream_power: Float[Tensor, "batch 1 streams"]
) -> Float[Tensor, "batch matrices streams"]:
    """Factors a of the streams' powers that minimise ``sum e / (1 + a s)`` for a given ``sum a e``.

    ``a = max(0, m / sqrt(s) - 1 / s)``, with the level m for which the power comes out right.

    Args:
        snr: s, of a symbol of power 1 on each subchannel, falling along the last axis.
        stream_power: e, mean power of the symbols of each stream.

    Returns:
        The factors; those of the weakest subchannels may be 0.
    """
    total = stream_power.sum(-1, keepdim=True)
    factors = torch.zeros_like(snr)
    for active in range(1, snr.shape[-1] + 1):
        power, used = stream_power[..., :active], snr[..., :active]
        level = (total + (power / used).sum(-1, keepdim=True)) / (power / used.sqrt()).sum(-1, keepdim=True)
        filled = level / used.sqrt() - 1 / used
        all_used = (filled > 0).all(-1, keepdim=True) & level.isfinite()
        padded = torch.nn.functional.pad(filled, (0, snr.shape[-1] - active))
        factors = torch.where(all_used, padded, factors)
    return factors
