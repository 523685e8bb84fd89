"""The receiver's equaliser: from what reaches the antenna to estimates of the sent symbols, and their error variances.

The letters are those of :class:`deepjscc.channels.output.ChannelOutput`: y = h (a z + d) + n with noise of variance N0.
``x_hat`` is the estimate of z that goes to the decoder, its error variance is E|x_hat - z|^2, and ``h_hat`` is the
estimate of h.
"""

from deepjscc.channels import Csi
from deepjscc.channels.output import ChannelOutput
from deepjscc.equaliser.flat import equalise_flat, zero_forcing_error
from deepjscc.equaliser.mimo import equalise_mimo
from deepjscc.equaliser.resource_block import equalise_resource_blocks
from deepjscc.types import Received

__all__ = ["equalise", "zero_forcing_error"]


def equalise(output: ChannelOutput, csi: Csi | None) -> Received:
    """Estimate the symbols that were sent, by what the receiver knows of the channel.

    >>> import torch
    >>> from deepjscc.channels import Rayleigh
    >>> channel, z = Rayleigh(csi="receiver"), torch.ones(1, 2, dtype=torch.complex64)
    >>> output = channel(z, torch.tensor([10.0]), gain=torch.tensor([[2j]]))
    >>> equalise(output, channel.csi).noise_variance
    tensor([[0.0250, 0.0250]])

    Args:
        output: what reached the antenna.
        csi: "receiver" knows h, "estimated" estimates it from the received pilots, "none" or None leaves y as it is.
            Whatever the case, the receiver knows N0, and the gain and distortion variance of a clipping transmitter.

    Returns:
        The estimates ``x_hat`` and their error variances, with h, or its estimate, where the receiver knows one.
    """
    if output.precoded is not None:
        return equalise_mimo(output, output.precoded, knows_gain=csi == "receiver")
    if output.pilots is not None:
        return equalise_resource_blocks(output, output.pilots, knows_gain=csi == "receiver")
    return equalise_flat(output, knows_gain=csi == "receiver")
