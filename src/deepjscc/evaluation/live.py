"""What a page shows of one picture: each view a function of the picture and the setting of the sliders."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

from deepjscc.channels import Channel, make_channel
from deepjscc.channels.base import Coherence
from deepjscc.evaluation.single import Outcome, send_image, send_stages
from deepjscc.images import from_picture, to_float
from deepjscc.models import Linear
from deepjscc.systems import Link
from deepjscc.systems.names import NamedSystem, make_system
from deepjscc.zoo import load

RECEIVERS_DB = (-5.0, -2.0, 1.0, 4.0, 7.0, 10.0, 15.0, 20.0)
CURVE_DB = tuple(float(snr) for snr in range(-5, 26, 3))
POINTS = 1500  # of a constellation: more hide one another


@dataclass(frozen=True)
class Setting:
    """Where the sliders stand.

    Attributes:
        model: of the zoo.
        codec: of the digital link,
        coding: and its channel code.
        snr_db: of the channel.
        bandwidth_ratio: complex uses per source value.
        channel, coherence: the kind of channel; the receiver knows its gain.
        planned_db: SNR that the digital link was built for; None: it follows every SNR (an envelope of links).
        seed: of gains and noise.
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

    def medium(self) -> Channel:
        """The channel."""
        return make_channel(self.channel, coherence=self.coherence)

    def learned_system(self, medium: Channel) -> NamedSystem:
        """The learned link; models of one ratio keep theirs."""
        ratio = self.bandwidth_ratio if isinstance(load(self.model), Linear) else None
        return make_system(self.model, medium, bandwidth_ratio=ratio)

    def digital_system(self, bandwidth_ratio: float) -> NamedSystem:
        """The digital link, with as many channel uses as the learned one took."""
        plan = "" if self.planned_db is None else f"@{self.planned_db:g}dB"
        return make_system(f"{self.codec}+{self.coding}{plan}", self.medium(), bandwidth_ratio=bandwidth_ratio)


def learned(picture: Image.Image, setting: Setting) -> Outcome:
    """The picture by the learned link."""
    return send_image(picture, setting.learned_system(setting.medium()), setting.snr_db, seed=setting.seed)


def digital(picture: Image.Image, setting: Setting, bandwidth_ratio: float) -> Outcome:
    """The picture by the digital link, over the same gains."""
    return send_image(picture, setting.digital_system(bandwidth_ratio), setting.snr_db, seed=setting.seed)


def receivers(picture: Image.Image, setting: Setting) -> list[Outcome]:
    """One transmission, made for the setting's SNR, as receivers at :data:`RECEIVERS_DB` have it."""
    system = setting.learned_system(setting.medium())
    return [
        send_image(picture, system, snr_db, encoder_snr_db=setting.snr_db, seed=setting.seed) for snr_db in RECEIVERS_DB
    ]


def stages(picture: Image.Image, setting: Setting) -> list[Outcome]:
    """One transmission as it arrives; see :func:`deepjscc.evaluation.single.send_stages`."""
    return send_stages(picture, setting.learned_system(setting.medium()), setting.snr_db, seed=setting.seed)


def curve(picture: Image.Image, setting: Setting) -> Iterator[tuple[Outcome, Outcome]]:
    """The learned and the digital link at each of :data:`CURVE_DB`, one after another."""
    for snr_db in CURVE_DB:
        at = replace(setting, snr_db=snr_db)
        ours = learned(picture, at)
        yield ours, digital(picture, at, ours.bandwidth_ratio)


@torch.no_grad()
def constellation(picture: Image.Image, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Some of the sent and of the received (equalised) symbols: two rows of complex numbers."""
    system = setting.learned_system(setting.medium()).system
    assert isinstance(system, Link)
    snr_db = torch.tensor([setting.snr_db])
    draws = torch.Generator().manual_seed(setting.seed)
    sent = system.model.encode(to_float(from_picture(picture)), snr_db, bandwidth_ratio=system.bandwidth_ratio)
    received = system.channel(sent.symbols, snr_db, generator=draws)
    step = max(1, sent.symbols.shape[1] // POINTS)
    return sent.symbols[0, ::step].numpy(), received.symbols[0, ::step].numpy()
