"""The views that the page shows of one picture: each is a function of the picture and the setting of the sliders."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from PIL import Image

from deepjscc.channels import make_channel
from deepjscc.channels.base import Coherence
from deepjscc.defaults import HYBRID
from deepjscc.equaliser import equalise
from deepjscc.evaluation.background import in_background
from deepjscc.evaluation.encodings import Encodings
from deepjscc.evaluation.single import Outcome, send_image, send_stages
from deepjscc.images import from_picture, to_float
from deepjscc.metrics import ms_ssim
from deepjscc.metrics.structural import MS_SSIM_MIN_SIDE
from deepjscc.systems import Link
from deepjscc.systems.names import NamedSystem, is_hybrid, make_system
from deepjscc.systems.transceivers import load_transceiver
from deepjscc.zoo import load

RECEIVERS_DB = (-5.0, -2.0, 1.0, 4.0, 7.0, 10.0, 15.0, 20.0)
CURVE_DB = tuple(float(snr) for snr in range(-5, 26, 3))
CLIFF_DB = 0.01  # below the SNR that a digital link is planned for: there its curve has its second point of the cliff
POINTS = 1500  # of a constellation: more hide one another


@dataclass(frozen=True)
class Setting:
    """The values of the sliders.

    Attributes:
        model: name of a model of the zoo, or of a hybrid.
        codec: source codec of the digital link.
        coding: channel code of the digital link.
        snr_db: SNR of the channel in dB.
        bandwidth_ratio: complex channel uses per source value.
        channel, coherence: the kind of channel; the receiver knows its gain.
        planned_db: SNR in dB that the digital link is planned for; None adapts it to every SNR (an envelope of links).
        seed: seed of the random generator for gains and noise.
    """

    model: str
    codec: str
    snr_db: float
    bandwidth_ratio: float
    channel: str = "awgn"
    coherence: Coherence | None = None
    planned_db: float | None = None
    coding: str = "ideal"
    seed: int = 0

    def learned_system(self) -> NamedSystem:
        """The first system; a model that has only one bandwidth ratio keeps it."""
        return _learned_system(self.model, self.channel, self.coherence, self.model_ratio())

    def model_ratio(self) -> float | None:
        """The bandwidth ratio to ask the model for; None where the model has one ratio, its own."""
        return self.bandwidth_ratio if is_hybrid(self.model) or load(self.model).supports_prefix else None

    def digital_system(self, bandwidth_ratio: float) -> NamedSystem:
        """The digital link, with as many channel uses as the learned one took."""
        plan = "" if self.planned_db is None else f"@{self.planned_db:g}dB"
        return _digital_system(f"{self.codec}+{self.coding}{plan}", self.channel, self.coherence, bandwidth_ratio)


@lru_cache(maxsize=4)
def _learned_system(
    model: str, channel: str, coherence: Coherence | None, bandwidth_ratio: float | None
) -> NamedSystem:
    """The first system, cached, because reading its weights takes longer than sending a picture."""
    return make_system(model, make_channel(channel, coherence=coherence), bandwidth_ratio=bandwidth_ratio)


@lru_cache(maxsize=2)
def _digital_system(name: str, channel: str, coherence: Coherence | None, bandwidth_ratio: float) -> NamedSystem:
    """The digital link, cached together with the encodings of the picture that its codec has made."""
    return make_system(name, make_channel(channel, coherence=coherence), bandwidth_ratio=bandwidth_ratio)


def learned(picture: Image.Image, setting: Setting) -> Outcome:
    """Send the picture by the first system and measure its PSNR, but nothing that takes longer."""
    return send_image(picture, setting.learned_system(), setting.snr_db, seed=setting.seed, with_structure=False)


def digital(picture: Image.Image, setting: Setting, bandwidth_ratio: float) -> Outcome:
    """Send the picture by the digital link, over the same gains, and measure its PSNR; at low priority.

    Args:
        picture: 8-bit RGB.
        setting: the values of the controls.
        bandwidth_ratio: complex channel uses per source value, those that the first system took.
    """
    system = setting.digital_system(bandwidth_ratio)
    return in_background(lambda: send_image(picture, system, setting.snr_db, seed=setting.seed, with_structure=False))


def similarity(picture: Image.Image, outcome: Outcome) -> float | None:
    """MS-SSIM of a received picture, computed at low priority; None if the picture is too small for it."""
    if min(picture.size) < MS_SSIM_MIN_SIDE:
        return None
    images, decoded = to_float(from_picture(picture)), to_float(from_picture(outcome.picture))
    return in_background(lambda: ms_ssim(images, decoded).item())


def receivers(picture: Image.Image, setting: Setting) -> list[Outcome]:
    """One transmission, planned for the SNR of the setting, as it is received at each of :data:`RECEIVERS_DB`."""
    return _received_by_all(picture, setting.learned_system(), setting)


def other_receivers(picture: Image.Image, setting: Setting, bandwidth_ratio: float) -> Iterator[list[Outcome]]:
    """The same for the digital link, then for the hybrid unless that is the first system, with equal channel uses.

    All transmissions are planned for the SNR of the setting. They are computed at low priority.
    """
    at = replace(setting, planned_db=None)  # it plans for the design SNR, as the others do
    systems = [at.digital_system(bandwidth_ratio)]
    if not is_hybrid(setting.model):
        systems.append(_learned_system(HYBRID, setting.channel, setting.coherence, bandwidth_ratio))
    for system in systems:
        yield in_background(partial(_received_by_all, picture, system, setting))


def _received_by_all(picture: Image.Image, system: NamedSystem, setting: Setting) -> list[Outcome]:
    options: dict[str, Any] = {"encoder_snr_db": setting.snr_db, "seed": setting.seed, "with_structure": False}
    encodings = Encodings()  # one transmission for all
    return [send_image(picture, system, snr_db, encodings=encodings, **options) for snr_db in RECEIVERS_DB]


def stages(picture: Image.Image, setting: Setting) -> list[Outcome]:
    """Show one transmission as it arrives; see :func:`deepjscc.evaluation.single.send_stages`."""
    system = setting.learned_system()
    return send_stages(picture, system, setting.snr_db, seed=setting.seed, with_structure=False)


def curve_snrs_db(setting: Setting) -> list[float]:
    """The SNRs of the curve: :data:`CURVE_DB`, and the two sides of the cliff of a digital link that has one."""
    if setting.planned_db is None:
        return list(CURVE_DB)
    return sorted({*CURVE_DB, setting.planned_db - CLIFF_DB, setting.planned_db})


def curve(picture: Image.Image, setting: Setting) -> Iterator[tuple[Outcome, Outcome]]:
    """The learned and the digital link at each of :func:`curve_snrs_db`, one after another."""
    for snr_db in curve_snrs_db(setting):
        at = replace(setting, snr_db=snr_db)
        ours = learned(picture, at)
        yield ours, digital(picture, at, ours.bandwidth_ratio)


@lru_cache(maxsize=2)
def _symbol_link(model: str, channel: str, coherence: Coherence | None, bandwidth_ratio: float | None) -> Link:
    """A link that sends every bit of a hybrid's digital layers as symbols, where :func:`learned` looks them up."""
    return Link(load_transceiver(model), make_channel(channel, coherence=coherence), bandwidth_ratio=bandwidth_ratio)


@torch.no_grad()
def constellation(picture: Image.Image, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Some of the symbols of all layers, as sent and as equalised: two rows of complex numbers.

    Raises:
        UsageError: a hybrid whose bandwidth holds no digital base.
    """
    link = _symbol_link(setting.model, setting.channel, setting.coherence, setting.model_ratio())
    snr_db = torch.tensor([setting.snr_db])
    draws = torch.Generator().manual_seed(setting.seed)
    sent = link.encode(to_float(from_picture(picture)), snr_db).symbols
    received = equalise(link.channel(sent, snr_db, generator=draws), link.channel.csi).symbols
    step = max(1, sent.shape[1] // POINTS)
    return sent[0, ::step].numpy(), received[0, ::step].numpy()
