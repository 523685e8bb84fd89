"""Initial weights with which a deep chain of convolutions, PReLUs and gates keeps the size of signals and gradients.

PyTorch draws the weights of a convolution with a standard deviation of 1 / sqrt(3 · fan_in). With that, every
convolution divides the root mean square of its features by about 1.7, the PReLU behind it by another 1.4, and a sigmoid
gate at 0 by two. The signal behind eight such stages, and the gradient that returns through them, is too small to learn
from.
"""

import math

import torch
from torch import nn

OPEN = 3.0  # bias of an open gate: sigmoid(3) is 0.95


@torch.no_grad()
def preserve_variance(layer: nn.Conv2d | nn.ConvTranspose2d, slope: float = 1.0, gain: float = 1.0) -> None:
    """Draw a convolution's weights so that it and the PReLU behind it keep the mean square of the features.

    The kernels of the output channels (of a transposed convolution: of the input channels) are drawn orthogonal to one
    another, so that none repeats what another computes. The bias becomes 0. The number of inputs that an output sums
    over is counted as it is: a transposed convolution of stride s sums over one in s² of its kernel's positions.

    Args:
        layer: the convolution; its weights and bias are changed.
        slope: of the PReLU behind the layer; 1 where there is none.
        gain: by which the root mean square is multiplied instead of 1.

    Source: He et al. 2015, "Delving deep into rectifiers", eq. 15, for the variance; Saxe et al. 2014, "Exact solutions
    to the nonlinear dynamics of learning in deep linear neural networks", for orthogonality.
    """
    taps = float(math.prod(layer.kernel_size))
    if isinstance(layer, nn.ConvTranspose2d):
        taps = taps / math.prod(layer.stride)
    fan_in = layer.in_channels // layer.groups * taps
    nn.init.orthogonal_(layer.weight)
    deviation = gain * math.sqrt(2 / (1 + slope**2) / fan_in)
    layer.weight.mul_(deviation / layer.weight.square().mean().sqrt())
    if layer.bias is not None:
        layer.bias.zero_()


@torch.no_grad()
def open_gate(layer: nn.Linear) -> None:
    """Set the last linear layer in front of a sigmoid so that the gate starts near 1, whatever the condition.

    Args:
        layer: the linear layer; its weights become a tenth of the default ones, its bias 3.
    """
    layer.weight.mul_(0.1)
    layer.bias.fill_(OPEN)
