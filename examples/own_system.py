"""A model from elsewhere in a comparison: an encoder and a decoder of another project, wrapped in a few lines.

deepjscc evaluate --system examples/own_system.py:make --system linear --bandwidth-ratio 1/6 --data samples --images 1 \
    --snr-db 10 -o own.parquet

Such projects often have an encoder that returns features, a channel of their own and a decoder. Take the networks,
leave their channel out, and count what theirs does not: here the number of features is known to the receiver, so that
the symbols are all there is.
"""

import torch
from torch import nn

from deepjscc.models import JSCC


class TheirEncoder(nn.Module):
    """Stands for an encoder that was trained elsewhere: images to features at 1/4 of the resolution."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Conv2d(3, features, 4, stride=4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images ``[batch, 3, height, width]`` to features ``[batch, features, height / 4, width / 4]``."""
        return self.layers(images)


class TheirDecoder(nn.Module):
    """Stands for the decoder that belongs to it."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.ConvTranspose2d(features, 3, 4, stride=4)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Received features to images."""
        return self.layers(features).sigmoid()


class Adapter(JSCC):
    """Their two networks as a model of ours: padding, I/Q pairs and power per image are the base's."""

    kind, stride, encoder_uses_snr = "adapter", 4, False

    def __init__(self, features: int) -> None:
        super().__init__(features=features)
        self.features, self.encoder, self.decoder = features, TheirEncoder(features), TheirDecoder(features)

    def latent_reals(self, size: tuple[int, int]) -> int:
        """Reals of one image: two make a complex channel use."""
        return self.features * size[0] * size[1] // 16

    def analyse(self, images: torch.Tensor, snr_db: torch.Tensor) -> torch.Tensor:
        """Images to the latent ``[batch, reals]``."""
        return self.encoder(images).flatten(1)

    def synthesise(self, latent: torch.Tensor, size: tuple[int, int], snr_db: torch.Tensor) -> torch.Tensor:
        """The received latent to images."""
        return self.decoder(latent.unflatten(1, (self.features, size[0] // 4, size[1] // 4)))


def make(channel: object, bandwidth_ratio: float | None = None, features: int = 16) -> Adapter:
    """Build the model; a real one loads its checkpoint here: ``model.encoder.load_state_dict(torch.load(...))``."""
    torch.manual_seed(0)  # stands for the checkpoint
    return Adapter(features)


if __name__ == "__main__":
    from deepjscc.channels import AWGN
    from deepjscc.metrics import psnr
    from deepjscc.systems import Link

    link = Link(make(AWGN()).eval(), AWGN())
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    sent = link.transmit(images, torch.tensor([10.0]))
    quality = psnr(images, sent.images).item()
    print(f"ratio {sent.bandwidth_ratio.item():.4f}, {sent.channel_uses.item()} channel uses, PSNR {quality:.1f} dB")
