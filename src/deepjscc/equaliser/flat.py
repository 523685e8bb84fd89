"""Equalising of flat fading by zero forcing, and of a clipping transmitter by its Bussgang gain."""

from jaxtyping import Float
from torch import Tensor

from deepjscc.channels.output import ChannelOutput
from deepjscc.types import Gain, Received

MIN_GAIN = 1e-6  # |h| below this is equalised as if it were this: the error variance handed on stays finite


def equalise_flat(output: ChannelOutput, *, knows_gain: bool) -> Received:
    """Divide by the gains that the receiver knows.

    Args:
        output: y of each symbol, and what it met.
        knows_gain: whether the receiver knows h; if not, the decoder is left with it.
    """
    y, n0, h = output.symbols, output.noise_variance, output.gain if knows_gain else None
    x_hat, error_variance = y, n0
    if h is not None:
        # Zero forcing, y / h (Tse and Viswanath 2005, sec. 3.1.2): x_hat = a z + d + n / h.
        x_hat, error_variance = y * h.conj() / _power(h), zero_forcing_error(n0, h)
    if output.clipping_gain is not None and output.distortion_variance is not None:
        # Bussgang (1952): d is uncorrelated with z, so x_hat = z + (d + n / h) / a.
        a, distortion = output.clipping_gain[:, None], output.distortion_variance[:, None]
        x_hat, error_variance = x_hat / a, ((error_variance + distortion) / a.square()).detach()
    return Received(x_hat, error_variance, h, output.snr_db)


def zero_forcing_error(n0: Float[Tensor, "batch uses"], gain: Gain) -> Float[Tensor, "batch columns"]:
    """Error variance N0 / |h|^2 of symbols that were divided by their gain h."""
    return n0 / _power(gain)


def _power(gain: Gain) -> Float[Tensor, "batch coherence"]:
    return gain.abs().square().clamp_min(MIN_GAIN**2)
