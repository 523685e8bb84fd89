"""The transmission of one picture by one system, as `send` and the picture sheets show it."""

import time
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from PIL import Image

from deepjscc.channels.prefix import Prefix
from deepjscc.defaults import LARGE_PIXELS
from deepjscc.evaluation.encodings import Encodings
from deepjscc.evaluation.quality import quality, stages
from deepjscc.images import from_picture, to_float, to_picture
from deepjscc.metrics import mse, ssim
from deepjscc.metrics.fidelity import psnr_of_mse
from deepjscc.metrics.structural import SSIM_MIN_SIDE
from deepjscc.systems import Link
from deepjscc.systems.large import transmit_large
from deepjscc.systems.names import NamedSystem
from deepjscc.types import Images

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)  # of the symbols: the stages of a model that has none of its own
NEAR_ENOUGH = 0.02  # of the ratio asked for: padding of odd sizes moves the measured one a little


@dataclass(frozen=True)
class Outcome:
    """The received picture of one transmission, with its cost and its quality.

    Attributes:
        system: name of the system.
        snr_db: SNR of the channel in dB.
        channel_uses: complex channel uses, side information and pilots included.
        bandwidth_ratio: channel uses per source value.
        delivered: False on outage.
        layers: names of the layers that arrived, such as base+analog; None for a system without layers.
        psnr_db, ssim, ms_ssim: quality on 8 bits; None if it was not measured, or the image is too small or too large.
        seconds: time of the whole transmission.
        picture: the received picture, 8-bit RGB.
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

    def numbers(self) -> dict[str, object]:
        """All values except the picture, for tables and JSON."""
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

    A picture above :data:`LARGE_PIXELS` is sent strip by strip or tile by tile, and its MS-SSIM is not measured.

    Args:
        picture: the picture.
        system: the system.
        snr_db: SNR of the channel in dB.
        encoder_snr_db: design SNR of the transmitter in dB; None takes the channel's SNR.
        seed: seed of the random generator for gains and noise.
        with_structure: whether to measure SSIM and MS-SSIM besides the PSNR.
        encodings: encodings of this picture by this system; with them it is encoded only once for a design SNR.
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
    """The received pictures of one transmission after each stage, with the channel uses up to it.

    A model without stages whose receiver can decode any first part of the symbols (`linear`, `universal`) is decoded
    after each of :data:`SHARES` of them; any other system has one stage. The arguments are those of
    :func:`send_image`.
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
    """The outcome after each stage, or the only outcome of a system without stages."""
    images, snr = to_float(from_picture(picture)), torch.tensor([snr_db])
    believed = snr if encoder_snr_db is None else torch.tensor([encoder_snr_db])
    clock = time.perf_counter()
    kept = Encodings() if encodings is None else encodings
    sent = kept.transmit(system.system, system.name, 0, images, snr, believed, _draws(seed))
    seconds = time.perf_counter() - clock + kept.saved_s
    layers = "+".join(sent.layers[0]) if sent.layers else None
    return [
        outcome(system.name, snr_db, uses, bool(sent.delivered[0]), seconds, images, decoded, with_structure, layers)
        for decoded, (uses,) in stages(sent).values()
    ]


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
    """Measure the outcome of one transmission; image and decoded image are batches of one."""
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


def ratio_note(wanted: float | None, sent: float) -> str | None:
    """A note for the user if the model could not meet the bandwidth ratio; None if it did."""
    if wanted is None or abs(sent - wanted) <= NEAR_ENOUGH * wanted:
        return None
    return (
        f"bandwidth ratio {wanted:.4f} is not possible for this picture and model; it was sent at the nearest one, "
        f"{sent:.4f}"
    )
