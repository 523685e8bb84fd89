"""Residual transmission: a link whose transmitter estimates what has arrived (Kurka and Gündüz 2019, sec. 4).

It is the only system whose transmission cannot be split into encoding and channel, because the symbols of a stage
depend on how the earlier stages were received.
"""

from collections.abc import Sequence

import torch

from deepjscc.channels import Channel
from deepjscc.digital.finite_constellation import FiniteConstellation
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError
from deepjscc.images import crop, pad_to_multiple, padded_size
from deepjscc.models import JSCC, Residual
from deepjscc.models.residual import RECEPTIONS, Residuals
from deepjscc.seeds import generator as seeded
from deepjscc.systems.base import Draws, System
from deepjscc.systems.constellation import ConstellationTransceiver
from deepjscc.systems.link import Link, in_views, ratio_beside_pilots
from deepjscc.types import Images, Pairs, Received, SnrDb, Symbols, Transmission
from deepjscc.units import snr_per_image


class ResidualLink(Link):
    """Residual transmission: each stage encodes the residual that the transmitter expects the earlier stages to leave.

    Args:
        model: the encoder and the decoder networks of all stages.
        channel: the channel; all stages of an image have the same gain.
        bandwidth_ratio: complex channel uses per source value of all stages together; None takes the model's own.
        receptions: number m of simulated receptions over which the transmitter averages; it knows the kind of channel
            and its nominal SNR, but not the realisation. None gives it the channel's output as feedback, which is not
            counted as channel uses.

    Raises:
        UsageError: fewer than one simulated reception.
    """

    supports_split = False
    model: Residual

    def __init__(
        self,
        model: Residual,
        channel: Channel,
        *,
        bandwidth_ratio: float | None = None,
        receptions: int | None = RECEPTIONS,
    ) -> None:
        super().__init__(model, channel, bandwidth_ratio=bandwidth_ratio)
        if receptions is not None and receptions < 1:
            raise UsageError(f"the transmitter must simulate at least one reception, not {receptions}")
        self.receptions = receptions

    def transmit(
        self,
        images: Images | Pairs,
        snr_db: torch.Tensor | float,
        *,
        encoder_snr_db: torch.Tensor | float | None = None,
        generator: Draws = None,
    ) -> Transmission:
        """Send a batch of images; see :meth:`deepjscc.systems.base.System.transmit`. A learned link always delivers.

        Equal generators give equal gains and noise, however the transmitter estimates. In training the transmitter has
        the channel's output as feedback, and the only refinement is the unclipped sum of all stages.

        Raises:
            UsageError: the model does not support the bandwidth ratio.
        """
        shape = tuple(images.shape[:-3])
        snr_db = snr_per_image(snr_db, shape)
        encoder_snr_db = None if encoder_snr_db is None else snr_per_image(encoder_snr_db, shape)
        if images.dim() == 5:
            views = None if encoder_snr_db is None else encoder_snr_db.flatten()
            each = self.transmit(images.flatten(0, 1), snr_db.flatten(), encoder_snr_db=views, generator=generator)
            return in_views(each, images.shape[1])
        if isinstance(generator, Sequence):
            return one_by_one(self, images, snr_db, encoder_snr_db, generator)
        home, size, model = images.device, (images.shape[-2], images.shape[-1]), self.model
        images, snr_db = images.to(self.device), snr_db.to(self.device)
        encoder_snr_db = None if encoder_snr_db is None else encoder_snr_db.to(self.device)
        model.check_ratio(size, ratio_beside_pilots(self.channel, size, self.bandwidth_ratio))
        padded = padded_size(size, model.stride)
        believed = snr_db if encoder_snr_db is None else encoder_snr_db
        slow = self.channel.coherence == "image"  # else the channel draws each stage's gains itself
        gain = self.channel.draw_gain(len(images), 1, generator) if slow else None
        imagined_draws = seeded(int(torch.randint(2**31, (), generator=generator)))
        summands: list[Residuals] = []

        def receive(stage: int, symbols: Symbols) -> Residuals:
            output = self.channel(symbols, snr_db, gain=gain, generator=generator)
            received = equalise(output, self.channel.csi)
            summands.append(model.decode_stage(stage, received.symbols, padded))
            return summands[-1]

        def receive_without_feedback(stage: int, symbols: Symbols) -> Residuals:
            receive(stage, symbols)
            return model.simulate(stage, symbols, padded, imagine, self.receptions or 0)

        def imagine(symbols: Symbols) -> Received:
            return equalise(self.channel(symbols, believed, generator=imagined_draws), self.channel.csi)

        fed_back = self.receptions is None or model.training
        sent = model.encode_by(pad_to_multiple(images, model.stride), receive if fed_back else receive_without_feedback)
        receive(model.stages - 1, sent[:, -model.stage_uses(size) :])
        sums = [crop(total, size) for total in torch.stack(summands).cumsum(0)]
        pilots = self.channel.pilot_uses(model.stage_uses(size))  # each stage is sent by itself and brings its own
        uses = tuple(border + stage * pilots for stage, border in enumerate(model.borders(size), 1))
        if model.training:
            return _transmission((sums[-1].to(home),), uses[-1:])
        return _transmission(tuple(total.clamp(0, 1).to(home) for total in sums), uses)


def make_link(
    model: JSCC,
    channel: Channel,
    *,
    bandwidth_ratio: float | None = None,
    constellation: FiniteConstellation | None = None,
) -> Link:
    """Build the link of a model, with :class:`ResidualLink` for a model of residual transmission.

    Args:
        model: transmitter and receiver.
        channel: between them.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        constellation: to whose points the transmitter rounds its symbols; None: it sends any.

    Raises:
        UsageError: a constellation for residual transmission, whose stages are not sent together.
    """
    if isinstance(model, Residual):
        if constellation is not None:
            raise UsageError(f"{model.kind} sends stage by stage and takes no constellation; leave it out")
        return ResidualLink(model, channel, bandwidth_ratio=bandwidth_ratio)
    transmitter = model if constellation is None else ConstellationTransceiver(model, constellation)
    return Link(transmitter, channel, bandwidth_ratio=bandwidth_ratio)


def one_by_one(
    system: System,
    images: Images,
    snr_db: SnrDb,
    encoder_snr_db: SnrDb | None,
    generators: Sequence[torch.Generator],
) -> Transmission:
    """Send the images of a batch one after another, each with its own random generator."""
    design = snr_db if encoder_snr_db is None else encoder_snr_db
    alone = [
        system.transmit(images[i, None], snr_db[i, None], encoder_snr_db=design[i, None], generator=own)
        for i, own in enumerate(generators)
    ]
    errors = [one.estimated_mse for one in alone]
    return Transmission(
        torch.cat([one.images for one in alone]),
        torch.cat([one.channel_uses for one in alone]),
        torch.cat([one.delivered for one in alone]),
        tuple(torch.cat(stage) for stage in zip(*(one.refinements for one in alone), strict=True)),
        alone[0].refinement_uses,
        tuple(layers for one in alone for layers in one.layers),
        None if any(error is None for error in errors) else torch.cat([error for error in errors if error is not None]),
        tuple(count for one in alone for count in one.tries),
    )


def _transmission(refinements: tuple[Images, ...], uses: tuple[int, ...]) -> Transmission:
    batch = len(refinements[-1])
    delivered = torch.ones(batch, dtype=torch.bool)
    return Transmission(refinements[-1], torch.full((batch,), uses[-1]), delivered, refinements, uses)
