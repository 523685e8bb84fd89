"""Two cameras, one receiver: each view over a channel of its own, decoded together or, for comparison, alone."""

import warnings
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from deepjscc.channels import Channel
from deepjscc.errors import DeepJSCCWarning
from deepjscc.models import PairJSCC
from deepjscc.models.distributed import no_token
from deepjscc.systems.base import PairSystem, System
from deepjscc.systems.digital import mean_image
from deepjscc.systems.link import Link, pass_through, ratio_beside_pilots
from deepjscc.types import Received, Transmission

Pairs = Float[Tensor, "batch 2 3 height width"]  # left and right, in [0, 1]
PairSnrDb = Float[Tensor, "batch 2"]  # of each view's link


class PairLink(nn.Module):
    """Two encoders that know nothing of each other, two independent channels, one decoder.

    Args:
        model: for both cameras.
        channel: the kind of both channels; gains and noise of the two are drawn independently.
        bandwidth_ratio: complex channel uses per source value of each view; None takes the model's own.

    >>> from deepjscc.channels import AWGN
    >>> from deepjscc.models import Distributed
    >>> link = PairLink(Distributed(width=24).eval(), AWGN())
    >>> sent = link.transmit(torch.rand(1, 2, 3, 32, 64), torch.tensor([[1.0, torch.inf]]))
    >>> sent.images.shape, sent.channel_uses.tolist()
    (torch.Size([1, 2, 3, 32, 64]), [[320, 320]])
    """

    def __init__(self, model: PairJSCC, channel: Channel, *, bandwidth_ratio: float | None = None) -> None:
        super().__init__()
        self.model, self.channel, self.bandwidth_ratio = model, channel, bandwidth_ratio

    def transmit(
        self,
        images: Pairs,
        snr_db: PairSnrDb,
        *,
        encoder_snr_db: PairSnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of pairs; see :class:`deepjscc.systems.base.PairSystem`.

        A view of which something arrives that is no number is not delivered, and is its mean colour as on a digital
        link's outage; the other is decoded as beside a link on which nothing was received.

        Warns:
            DeepJSCCWarning: an SNR that the model has no quality token for; it takes the nearest.

        Raises:
            UsageError: a bandwidth ratio the model does not make.
        """
        note = no_token(snr_db)
        if note is not None:
            warnings.warn(note, DeepJSCCWarning, stacklevel=2)
        believed = snr_db if encoder_snr_db is None else encoder_snr_db
        views, size = images.flatten(0, 1), (images.shape[-2], images.shape[-1])
        ratio = ratio_beside_pilots(self.channel, size, self.bandwidth_ratio)
        sent = self.model.encode(views, believed.flatten(), bandwidth_ratio=ratio)
        received = pass_through(self.channel, sent, snr_db.flatten(), generator)
        heard = torch.view_as_real(received.symbols).isfinite().all(2).all(1)
        decoded = self.model.decode(received if heard.all() else silenced(received, heard), size)
        if not heard.all():
            means = torch.stack([mean_image(view) for view in views]).nan_to_num(0.5)
            decoded = torch.where(heard[:, None, None, None], decoded, means)
        uses = torch.tensor([uses + self.channel.pilot_uses(uses) for uses in sent.uses()])
        return _in_pairs(Transmission(decoded, uses, heard.cpu()))


class Alone:
    """The two views of each pair by a system for single images, as if strangers.

    Args:
        system: for each view.
    """

    def __init__(self, system: System) -> None:
        self.system = system

    def transmit(
        self,
        images: Pairs,
        snr_db: PairSnrDb,
        *,
        encoder_snr_db: PairSnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of pairs; see :class:`deepjscc.systems.base.PairSystem`."""
        believed = None if encoder_snr_db is None else encoder_snr_db.flatten()
        sent = self.system.transmit(
            images.flatten(0, 1), snr_db.flatten(), encoder_snr_db=believed, generator=generator
        )
        return _in_pairs(sent)


def _in_pairs(sent: Transmission) -> Transmission:
    """A transmission of views, those of a pair one after the other, as one of pairs."""
    images, uses, delivered = (each.unflatten(0, (-1, 2)) for each in (sent.images, sent.channel_uses, sent.delivered))
    return Transmission(images, uses, delivered)


def pair_system(system: System) -> PairSystem:
    """How a system takes pairs: together where its model does, else each view alone."""
    if isinstance(system, Link) and isinstance(system.model, PairJSCC):
        return PairLink(system.model, system.channel, bandwidth_ratio=system.bandwidth_ratio)
    return Alone(system)


def silenced(received: Received, heard: Bool[Tensor, " batch"]) -> Received:
    """What arrived, with images that were not heard as nothing: no symbols, infinite noise."""
    return replace(
        received,
        symbols=torch.where(heard[:, None], received.symbols, 0),
        noise_variance=torch.where(heard[:, None], received.noise_variance, torch.inf),
        gain=None if received.gain is None else torch.where(heard[:, None], received.gain.nan_to_num(1.0), 1.0),
        snr_db=torch.where(heard, received.snr_db, -torch.inf),
    )
