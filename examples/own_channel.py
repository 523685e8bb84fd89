"""A channel of one's own: Nakagami-m fading, between Rayleigh (m = 1) and no fading (m large).

python examples/own_channel.py
"""

import math

import torch

import deepjscc
from deepjscc.channels import Channel
from deepjscc.data import open_data
from deepjscc.images import to_float
from deepjscc.metrics import psnr


class Nakagami(Channel):
    """|h|^2 ~ Gamma(m, 1/m) so that E|h|^2 = 1, uniform phase, one gain an image, known to the receiver."""

    coherence = "image"
    csi = "receiver"

    def __init__(self, m: int = 2) -> None:
        super().__init__()
        self.m = m

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Draw h, ``[batch, 1]``: a sum of m exponentials is Gamma-distributed."""
        power = -torch.rand(batch, 1, self.m, generator=generator).log().mean(2)
        phase = 2 * math.pi * torch.rand(batch, 1, generator=generator)
        return torch.polar(power.sqrt(), phase)


def main() -> None:
    """Send one photograph over twenty fades, for several m."""
    photo = to_float(open_data("samples")[2]).expand(20, -1, -1, -1)
    for m in (1, 2, 8):
        link = deepjscc.Link(deepjscc.load("linear"), Nakagami(m), bandwidth_ratio=1 / 12)
        sent = link.transmit(photo, torch.full((20,), 10.0), generator=torch.Generator().manual_seed(0))
        quality = psnr(photo, sent.images)
        print(f"m = {m}: PSNR {quality.mean():.2f} dB, worst of {len(photo)} fades {quality.min():.2f} dB")


if __name__ == "__main__":
    main()
