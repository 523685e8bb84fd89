"""Encoder and decoder of the original deep JSCC, shared by the progressive schemes (Bourtsoulatze 2019, Fig. 2)."""

import torch
from torch import Tensor, nn

WIDTHS = (3, 16, 32, 32, 32)
STRIDES = (2, 2, 1, 1, 1)
STRIDE = 4  # pixels a side that become one place of the latent


def encoder(filters: int, *, bend_last: bool = False) -> nn.Sequential:
    """Five 5x5 convolutions with PReLU between them: images to ``filters`` features per 4x4 pixels.

    Args:
        filters: c of the fifth convolution.
        bend_last: a PReLU behind it too; where it is the latent itself that would only bend it.
    """
    layers: list[nn.Module] = []
    widths = (*WIDTHS, filters)
    for i, stride in enumerate(STRIDES):
        layers += [nn.Conv2d(widths[i], widths[i + 1], 5, stride, padding=2), nn.PReLU(widths[i + 1])]
    return nn.Sequential(*(layers if bend_last else layers[:-1]))


def decoder(filters: int, *, linear: bool = False) -> nn.Sequential:
    """The mirror: transposed convolutions, PReLU between them, at the end a sigmoid.

    Args:
        filters: features it takes.
        linear: end without the sigmoid; what comes out is then no image but any real values.
    """
    layers: list[nn.Module] = []
    widths = (*WIDTHS, filters)
    for i, stride in reversed(list(enumerate(STRIDES))):
        layers += [nn.ConvTranspose2d(widths[i + 1], widths[i], 5, stride, 2, output_padding=stride - 1)]
        layers += [nn.PReLU(widths[i]) if i else nn.Identity() if linear else nn.Sigmoid()]
    return nn.Sequential(*layers)


def encode(network: nn.Sequential, images: Tensor) -> Tensor:
    """Images ``[batch, 3, height, width]`` to features ``[batch, filters, height / 4, width / 4]``."""
    return network(images.contiguous(memory_format=torch.channels_last))


def decode(network: nn.Sequential, features: Tensor) -> Tensor:
    """Features to images, in float32 whatever the network works in."""
    return network(features.contiguous(memory_format=torch.channels_last)).float()
