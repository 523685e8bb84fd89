"""A model of one's own: one convolution down, one up, trained for some seconds and sent over AWGN.

python examples/own_model.py
"""

from typing import ClassVar

import torch
from torch import nn

import deepjscc
from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models import JSCC
from deepjscc.types import Images, Latent, Size, SnrDb


class Patch(JSCC):
    """Patches of 8x8 pixels to ``reals`` numbers each, and back."""

    kind: ClassVar[str] = "patch"
    stride = 8

    def __init__(self, reals: int = 32) -> None:
        super().__init__(reals=reals)
        self.reals = reals
        self.down = nn.Conv2d(3, reals, self.stride, self.stride)
        self.up = nn.ConvTranspose2d(reals, 3, self.stride, self.stride)

    def latent_reals(self, size: Size) -> int:
        """So many a patch."""
        return self.reals * (size[0] // self.stride) * (size[1] // self.stride)

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Padded images to the latent; the base normalises its power."""
        return self.down(images - 0.5).flatten(1)

    def synthesise(self, latent: Latent, size: Size, snr_db: SnrDb) -> Images:
        """The received latent to padded images."""
        grid = (-1, self.reals, size[0] // self.stride, size[1] // self.stride)
        return (self.up(latent.reshape(grid)) + 0.5).clamp(0, 1)


def main() -> None:
    """Train on crops of three sample photographs, test on the fourth."""
    torch.manual_seed(0)
    draws = torch.Generator().manual_seed(0)
    photos = open_data("samples")
    test, train = to_float(photos[2]), [to_float(photos[index])[0] for index in (0, 1, 3)]
    link = deepjscc.Link(Patch(), AWGN())
    optimiser = torch.optim.Adam(link.parameters(), lr=3e-3)
    for step in range(301):
        if step % 100 == 0:
            with torch.no_grad():
                sent = link.transmit(test, torch.tensor([10.0]), generator=draws)
            quality, ratio = psnr(test, sent.images).item(), sent.bandwidth_ratio.item()
            print(f"step {step}: PSNR {quality:.2f} dB at 10 dB, bandwidth ratio {ratio:.4f}")
        tops = torch.randint(0, 236, (16, 2), generator=draws).tolist()
        crops = torch.stack([train[i % 3][:, y : y + 64, x : x + 64] for i, (y, x) in enumerate(tops)])
        decoded = link.transmit(crops, torch.full((16,), 10.0), generator=draws).images
        loss = (decoded - crops).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


if __name__ == "__main__":
    main()
