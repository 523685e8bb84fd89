"""Separating the streams of several antennas by linear MMSE, with the channel known or estimated from pilots."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from deepjscc.channels.mimo_pilots import estimate_matrix
from deepjscc.channels.output import ChannelOutput, Precoded
from deepjscc.types import Received
from deepjscc.units import noise_variance

_LEAST_NOISE = 1e-12  # N0 that the filter is told where there is none, and the SNR of a stream that is lost
_WINDOW, _LEAST_POWER = 65, 1e-3  # vectors over which the power of symbols is averaged, and its bounds
_VECTORS_AT_ONCE = 2**16  # whose matrices are inverted together: bounds memory for large pictures


def equalise_mimo(output: ChannelOutput, precoded: Precoded, *, knows_gain: bool) -> Received:
    """Estimate the symbols of all streams, without bias, and the noise variance of each.

    ``Received.gain`` is the gain g of a channel of one antenna with the same noise, N0 / g^2.

    Args:
        output: y of each receive antenna, vector after vector.
        precoded: what the transmitter did, which the receiver knows.
        knows_gain: whether it knows H, else it estimates H from the pilots.
    """
    n0 = noise_variance(output.snr_db)
    assert output.gain is not None
    extra = torch.zeros_like(n0).double()
    transmit = precoded.precoder.shape[-2]
    h = output.gain.unflatten(1, (-1, precoded.receive, transmit))
    if not knows_gain and output.pilots is not None:
        estimate, error = estimate_matrix(output.pilots.unflatten(1, (precoded.receive, transmit)), n0)
        h = estimate[:, None].to(h.dtype)
        extra = error
    effective = h.to(torch.complex128) @ precoded.precoder.to(torch.complex128)
    y = output.symbols.unflatten(1, (-1, precoded.receive)).to(torch.complex128)
    power = symbol_power(y.detach(), effective.detach(), n0.double())
    # The error of the estimate multiplies the symbols: its noise grows with their power, 1 for a vector on average.
    noise = n0.double()[:, None] + extra[:, None] * power
    # Orthogonal streams do not interfere, and their powers do not matter.
    amplitude = torch.ones_like(power) if precoded.by_stream else power.sqrt()
    scaled = effective * amplitude[..., None, None]
    pieces = zip(*(part.split(_VECTORS_AT_ONCE, 1) for part in (y, scaled, noise)), strict=True)
    parts = [mmse(*piece) for piece in pieces]
    estimates, variance = (torch.cat(part, 1) for part in zip(*parts, strict=True))
    estimates, variance = estimates * amplitude[..., None], variance * amplitude[..., None].square()
    symbols = precoded.from_vectors(estimates).to(output.symbols.dtype)
    errors = precoded.from_vectors(variance).to(n0.dtype)
    gain = (n0.clamp_min(_LEAST_NOISE)[:, None] / errors.clamp_min(_LEAST_NOISE)).sqrt().to(symbols.dtype)
    return Received(symbols, errors, gain, output.snr_db)


def symbol_power(
    y: Complex[Tensor, "batch vectors receive"],
    effective: Complex[Tensor, "batch matrices receive streams"],
    n0: Float[Tensor, " batch"],
) -> Float[Tensor, "batch vectors"]:
    """The mean power of the symbols around each vector, as the receiver sees it: E|y|^2 = p |G|^2 + N_r N0.

    The symbols of an analog code are strong at first and weak at the end. A filter for symbols of power 1 would take
    the interference of strong ones for far less than it is.

    Args:
        y: received vectors.
        effective: G, one for all vectors or one for each.
        n0: noise variance.
    """
    width = min(_WINDOW, y.shape[1] - 1 + y.shape[1] % 2)

    def around(values: Tensor) -> Tensor:
        pool = torch.nn.functional.avg_pool1d
        return pool(values[:, None], width, 1, width // 2, count_include_pad=False)[:, 0]

    energy = effective.abs().square().sum((-2, -1))
    strength = around(energy) if energy.shape[1] > 1 else energy
    signal = around(y.abs().square().sum(-1)) - y.shape[-1] * n0[:, None]
    return (signal / strength.clamp_min(_LEAST_NOISE)).clamp(_LEAST_POWER, 1 / _LEAST_POWER)


def mmse(
    y: Complex[Tensor, "batch vectors receive"],
    effective: Complex[Tensor, "batch matrices receive streams"],
    n0: Float[Tensor, "batch matrices"],
) -> tuple[Complex[Tensor, "batch vectors streams"], Float[Tensor, "batch matrices streams"]]:
    """Unbiased linear MMSE of ``y = G s + n`` for symbols of power 1 (Tse and Viswanath 2005, sec. 8.3.3).

    The SINR of stream i is ``1 / [(I + G^H G / N0)^-1]_ii - 1``; of a stream that a singular G loses it is 0, and the
    noise variance that is told is very large.

    Args:
        y: received vectors.
        effective: G, one for all vectors or one for each.
        n0: noise variance of each matrix's vectors, that of errors of G included.

    Returns:
        Estimates of s, and the noise variance of each stream, 1 / SINR.
    """
    noise = n0.clamp_min(_LEAST_NOISE)[..., None, None]
    gram = effective.mH @ effective
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    # (G^H G + N0 I)^-1 G^H y = b s + interference and noise, with b = 1 - [(I + G^H G / N0)^-1]_ii.
    inverse = torch.linalg.inv(gram + noise * eye)
    error = (noise[..., 0] * inverse.diagonal(dim1=-2, dim2=-1).real).clamp(_LEAST_NOISE, 1.0)
    bias = (1 - error).clamp_min(_LEAST_NOISE)
    biased = (inverse @ (effective.mH @ y[..., None]))[..., 0]
    return biased / bias, error / bias
