"""One picture through one system: what `send` and the picture sheets show."""

import math
import time
from dataclasses import dataclass

import torch
from PIL import Image

from deepjscc.evaluation.quality import quality
from deepjscc.images import from_picture, to_float, to_picture
from deepjscc.metrics import mse
from deepjscc.systems import Link
from deepjscc.systems.names import NamedSystem
from deepjscc.systems.strips import transmit_strips

LARGE_PIXELS = 8_000_000
NEAR_ENOUGH = 0.02  # of the ratio asked for: padding of odd sizes moves the measured one a little


@dataclass(frozen=True)
class Outcome:
    """What came out of one system, what it cost and how good it is.

    Attributes:
        system: its name.
        snr_db: of the channel.
        channel_uses: complex uses spent, side information and pilots included.
        bandwidth_ratio: the same per source value.
        delivered: False on outage.
        psnr_db, ssim, ms_ssim: on 8 bits; None where the image is too small, or too large to hold.
        seconds: for the whole transmission.
        picture: what came out, 8-bit RGB.
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
    picture: Image.Image

    def numbers(self) -> dict[str, object]:
        """All but the picture, for tables and JSON."""
        return {name: value for name, value in vars(self).items() if name != "picture"}


@torch.no_grad()
def send_image(
    picture: Image.Image, system: NamedSystem, snr_db: float, *, encoder_snr_db: float | None = None, seed: int = 0
) -> Outcome:
    """Send one 8-bit RGB picture once; equal seeds give every system the same gains.

    A picture above :data:`LARGE_PIXELS` goes through a learned link strip by strip.
    """
    snr = torch.tensor([snr_db])
    believed = torch.tensor([snr_db if encoder_snr_db is None else encoder_snr_db])
    draws = torch.Generator().manual_seed(seed)
    clock = time.perf_counter()
    if picture.width * picture.height > LARGE_PIXELS and isinstance(system.system, Link):
        result, uses = transmit_strips(system.system, picture, snr, encoder_snr_db=believed, generator=draws)
        seconds = time.perf_counter() - clock
        values: dict[str, list[float | None]] = {"psnr_db": [_psnr_of_large(picture, result)]}
        delivered = True
    else:
        images = to_float(from_picture(picture))
        sent = system.system.transmit(images, snr, encoder_snr_db=believed, generator=draws)
        seconds = time.perf_counter() - clock
        values = quality(images, sent.images)
        result, uses, delivered = to_picture(sent.images[0]), int(sent.channel_uses[0]), bool(sent.delivered[0])
    return Outcome(
        system=system.name,
        snr_db=snr_db,
        channel_uses=uses,
        bandwidth_ratio=uses / (3 * picture.width * picture.height),
        delivered=delivered,
        psnr_db=values["psnr_db"][0],
        ssim=values.get("ssim", [None])[0],
        ms_ssim=values.get("ms_ssim", [None])[0],
        seconds=seconds,
        picture=result,
    )


def _psnr_of_large(picture: Image.Image, result: Image.Image) -> float:
    """The PSNR of 8-bit pictures, a few rows at a time."""
    total = 0.0
    for top in range(0, picture.height, 256):
        box = (0, top, picture.width, min(top + 256, picture.height))
        ours, theirs = (to_float(from_picture(one.crop(box))) for one in (picture, result))
        total += mse(ours, theirs).item() * (box[3] - top)
    return -10 * math.log10(total / picture.height) if total else math.inf


def ratio_note(wanted: float | None, sent: float) -> str | None:
    """A line for the user whose bandwidth ratio the model could not make, None where it was met."""
    if wanted is None or abs(sent - wanted) <= NEAR_ENOUGH * wanted:
        return None
    return f"bandwidth ratio {wanted:.4f} is out of reach for this picture and model; sent at the nearest, {sent:.4f}"
