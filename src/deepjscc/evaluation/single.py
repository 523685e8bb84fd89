"""One picture through one system: what `send` and the picture sheets show."""

import time
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from PIL import Image

from deepjscc.channels.prefix import Prefix
from deepjscc.defaults import LARGE_PIXELS
from deepjscc.errors import UsageError
from deepjscc.evaluation.encodings import Encodings
from deepjscc.evaluation.quality import quality, stages
from deepjscc.images import from_picture, to_float, to_picture
from deepjscc.metrics import mse, ssim
from deepjscc.metrics.fidelity import psnr_of_mse
from deepjscc.metrics.structural import SSIM_MIN_SIDE
from deepjscc.systems import Link
from deepjscc.systems.constant_quality import RatioChoice, reach_quality
from deepjscc.systems.large import transmit_large
from deepjscc.systems.names import NamedSystem
from deepjscc.types import Images

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)  # of the symbols: the stages of a model that has none of its own
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
        layers: names of the layers that arrived, such as base+analog; None of a system that does not count them.
        psnr_db, ssim, ms_ssim: on 8 bits; None where the image is too small, or too large to hold, or not measured.
        estimated_psnr_db: what the receiver itself estimates; None where it cannot tell.
        tries: how often it was sent; None of a system without second tries.
        seconds: for the whole transmission.
        picture: what came out, 8-bit RGB.
    """

    system: str
    snr_db: float
    channel_uses: int
    bandwidth_ratio: float
    delivered: bool
    layers: str | None
    psnr_db: float | None
    ssim: float | None
    ms_ssim: float | None
    seconds: float
    picture: Image.Image
    estimated_psnr_db: float | None = None
    tries: int | None = None

    def numbers(self) -> dict[str, object]:
        """All but the picture, for tables and JSON."""
        return {name: value for name, value in vars(self).items() if name != "picture"}


@torch.no_grad()
def send_image(
    picture: Image.Image,
    system: NamedSystem,
    snr_db: float,
    *,
    encoder_snr_db: float | None = None,
    seed: int = 0,
    with_structure: bool = True,
    encodings: Encodings | None = None,
) -> Outcome:
    """Send one 8-bit RGB picture once; equal seeds give every system the same gains.

    A picture above :data:`LARGE_PIXELS` goes strip by strip or tile by tile, and has no MS-SSIM. Without structure only
    the PSNR is measured. With ``encodings`` of this picture and system it is encoded only once for a design SNR.
    """
    if picture.width * picture.height <= LARGE_PIXELS:
        return _send(picture, system, snr_db, encoder_snr_db, seed, with_structure, encodings)[-1]
    snr = torch.tensor([snr_db])
    believed = snr if encoder_snr_db is None else torch.tensor([encoder_snr_db])
    clock = time.perf_counter()
    sent = transmit_large(system.system, picture, snr, encoder_snr_db=believed, generator=_draws(seed))
    seconds = time.perf_counter() - clock
    if sent is None:
        return _send(picture, system, snr_db, encoder_snr_db, seed, with_structure, encodings)[-1]
    return Outcome(
        system=system.name,
        snr_db=snr_db,
        channel_uses=sent.channel_uses,
        bandwidth_ratio=sent.channel_uses / (3 * picture.width * picture.height),
        delivered=sent.delivered,
        layers=sent.layers,
        psnr_db=_psnr_of_large(picture, sent.picture),
        ssim=_ssim_of_large(picture, sent.picture) if with_structure else None,
        ms_ssim=None,
        seconds=seconds,
        picture=sent.picture,
    )


@torch.no_grad()
def send_stages(
    picture: Image.Image,
    system: NamedSystem,
    snr_db: float,
    *,
    encoder_snr_db: float | None = None,
    seed: int = 0,
    with_structure: bool = True,
) -> list[Outcome]:
    """One transmission as it arrives: what came out after each stage, with the channel uses till then.

    A model without stages of its own whose receiver takes any part of the symbols (`linear`, `universal`) is received
    up to each of :data:`SHARES`; any other system has one stage.
    """
    link = system.system
    if not link.supports_prefix:
        return _send(picture, system, snr_db, encoder_snr_db, seed, with_structure)
    options: dict[str, Any] = {"encoder_snr_db": encoder_snr_db, "seed": seed, "with_structure": with_structure}
    outcomes = []
    whole = cast(Link, link)  # what supports prefixes is a link
    for share in SHARES:
        interrupted = replace(system, system=whole.over(Prefix(whole.channel, share)))
        outcome = send_image(picture, interrupted, snr_db, **options)
        uses = round(share * outcome.channel_uses)
        outcomes.append(replace(outcome, channel_uses=uses, bandwidth_ratio=share * outcome.bandwidth_ratio))
    return outcomes


def _send(
    picture: Image.Image,
    system: NamedSystem,
    snr_db: float,
    encoder_snr_db: float | None,
    seed: int,
    with_structure: bool,
    encodings: Encodings | None = None,
) -> list[Outcome]:
    """What came out after each stage, or the one thing that did."""
    images, snr = to_float(from_picture(picture)), torch.tensor([snr_db])
    believed = snr if encoder_snr_db is None else torch.tensor([encoder_snr_db])
    clock = time.perf_counter()
    kept = Encodings() if encodings is None else encodings
    sent = kept.transmit(system.system, system.name, 0, images, snr, believed, _draws(seed))
    seconds = time.perf_counter() - clock + kept.saved_s
    layers = "+".join(sent.layers[0]) if sent.layers else None
    tries = sent.tries[0] if sent.tries else None
    parts = [
        outcome(system.name, snr_db, uses, bool(sent.delivered[0]), seconds, images, decoded, with_structure, layers)
        for decoded, (uses,) in stages(sent).values()
    ]
    return [*parts[:-1], replace(parts[-1], estimated_psnr_db=sent.estimated_psnr_db[0], tries=tries)]


def outcome(
    system: str,
    snr_db: float,
    uses: int,
    delivered: bool,
    seconds: float,
    image: Images,
    decoded: Images,
    with_structure: bool = True,
    layers: str | None = None,
) -> Outcome:
    """What came out of one transmission of one image, measured; both as batches of one."""
    values = {name: column[0] for name, column in quality(image, decoded, with_structure=with_structure).items()}
    return Outcome(
        system=system,
        snr_db=snr_db,
        channel_uses=uses,
        bandwidth_ratio=uses / image.numel(),
        delivered=delivered,
        layers=layers,
        psnr_db=values["psnr_db"],
        ssim=values["ssim"],
        ms_ssim=values["ms_ssim"],
        seconds=seconds,
        picture=to_picture(decoded[0]),
    )


def _draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _psnr_of_large(picture: Image.Image, result: Image.Image) -> float:
    """The PSNR of 8-bit pictures, a few rows at a time."""
    total = 0.0
    for top in range(0, picture.height, 256):
        box = (0, top, picture.width, min(top + 256, picture.height))
        ours, theirs = (to_float(from_picture(one.crop(box))) for one in (picture, result))
        total += mse(ours, theirs).item() * (box[3] - top)
    return psnr_of_mse(torch.tensor([total / picture.height], dtype=torch.float64)).item()


def _ssim_of_large(picture: Image.Image, result: Image.Image) -> float | None:
    """The SSIM of 8-bit pictures, a few rows of windows at a time; None under the size of a window."""
    overlap = SSIM_MIN_SIDE - 1  # a window of 11 rows has one place in 11 rows, two in 12, …
    places = picture.height - overlap
    if places < 1 or picture.width < SSIM_MIN_SIDE:
        return None
    total = 0.0
    for top in range(0, places, 256):
        rows = min(256, places - top)
        box = (0, top, picture.width, top + rows + overlap)
        ours, theirs = (to_float(from_picture(one.crop(box))) for one in (picture, result))
        total += ssim(ours, theirs).item() * rows
    return total / places


def reach_psnr(
    picture: Image.Image, system: NamedSystem, target_db: float, design_snr_db: float
) -> tuple[NamedSystem, RatioChoice]:
    """The system with the smallest bandwidth ratio at which a picture is expected to reach a PSNR; nothing is sent.

    Args:
        picture: 8-bit RGB.
        system: any.
        target_db: PSNR wished for, in dB on 8 bits.
        design_snr_db: of the channel, in dB.

    Raises:
        UsageError: a system or a channel without an expectation, a large picture, or a PSNR that no ratio reaches.
    """
    if picture.width * picture.height > LARGE_PIXELS:
        raise UsageError(f"a target PSNR is for pictures of up to {LARGE_PIXELS / 1e6:g} megapixels")
    image, snr_db = to_float(from_picture(picture)), torch.tensor([design_snr_db])
    with torch.no_grad():
        link, choice = reach_quality(system.system, image, target_db, snr_db)
    return replace(system, system=link), choice


def ratio_note(wanted: float | None, sent: float) -> str | None:
    """A line for the user whose bandwidth ratio the model could not make, None where it was met."""
    if wanted is None or abs(sent - wanted) <= NEAR_ENOUGH * wanted:
        return None
    return f"bandwidth ratio {wanted:.4f} is out of reach for this picture and model; sent at the nearest, {sent:.4f}"
