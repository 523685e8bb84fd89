"""One picture through one system: what `send` and the picture sheets show."""

import time
from dataclasses import dataclass

import torch

from deepjscc.evaluation.quality import quality
from deepjscc.images import to_float
from deepjscc.systems.names import NamedSystem
from deepjscc.types import Image8, Images


@dataclass(frozen=True)
class Outcome:
    """What came out of one system, what it cost and how good it is.

    Attributes:
        system: its name.
        snr_db: of the channel.
        channel_uses: complex uses spent, side information and pilots included.
        bandwidth_ratio: the same per source value.
        delivered: False on outage.
        psnr_db, ssim, ms_ssim: on 8 bits; None where the image is too small.
        seconds: for the whole transmission.
        images: the picture itself, a batch of one.
    """

    system: str
    snr_db: float
    channel_uses: int
    bandwidth_ratio: float
    delivered: bool
    psnr_db: float | None
    ssim: float | None
    ms_ssim: float | None
    seconds: float
    images: Images

    def numbers(self) -> dict[str, object]:
        """All but the picture, for tables and JSON."""
        return {name: value for name, value in vars(self).items() if name != "images"}


@torch.no_grad()
def send_image(
    image: Image8, system: NamedSystem, snr_db: float, *, encoder_snr_db: float | None = None, seed: int = 0
) -> Outcome:
    """Send one picture once; equal seeds give every system the same gains."""
    images = to_float(image)
    believed = torch.tensor([snr_db if encoder_snr_db is None else encoder_snr_db])
    draws = torch.Generator().manual_seed(seed)
    clock = time.perf_counter()
    sent = system.system.transmit(images, torch.tensor([snr_db]), encoder_snr_db=believed, generator=draws)
    seconds = time.perf_counter() - clock
    values = quality(images, sent.images)
    return Outcome(
        system=system.name,
        snr_db=snr_db,
        channel_uses=int(sent.channel_uses[0]),
        bandwidth_ratio=sent.bandwidth_ratio[0].item(),
        delivered=bool(sent.delivered[0]),
        psnr_db=values["psnr_db"][0],
        ssim=values["ssim"][0],
        ms_ssim=values["ms_ssim"][0],
        seconds=seconds,
        images=sent.images,
    )
