"""Progressive transmission: one image in stages, a picture after each (Kurka and Gündüz 2019)."""

import torch

from deepjscc.channels import Channel
from deepjscc.errors import UsageError
from deepjscc.images import crop, pad_to_multiple, padded_size
from deepjscc.models import JSCC, Residual, Staged
from deepjscc.models.residual import RECEPTIONS, Residuals
from deepjscc.seeds import generator as seeded
from deepjscc.systems.link import Link, pass_through, ratio_beside_pilots
from deepjscc.types import Encoded, Images, Received, Size, SnrDb, Symbols, Transmission


class ProgressiveLink(Link):
    """A link whose :attr:`Transmission.refinements` holds the image after each stage; one gain for all of them.

    Args:
        model: one encoder for all stages: :class:`MultipleDecoders` or :class:`SingleDecoder`.
        channel: between encoder and decoder.
        bandwidth_ratio: of all stages together; None takes the model's own.

    >>> from deepjscc.channels import AWGN
    >>> from deepjscc.models import SingleDecoder
    >>> link = ProgressiveLink(SingleDecoder(stages=2).eval(), AWGN())
    >>> sent = link.transmit(torch.rand(1, 3, 32, 32), torch.tensor([10.0]))
    >>> len(sent.refinements), sent.refinement_uses
    (2, (256, 512))
    """

    model: Staged

    def deliver(
        self, sent: Encoded, size: Size, snr_db: SnrDb, generator: torch.Generator | None = None
    ) -> Transmission:
        """Channel and receiver; see :meth:`Link.deliver`.

        In training the refinements are what the scheme learns from at this step.
        """
        received = pass_through(self.channel, sent, snr_db, generator)
        heard = self.model.training_prefix(size, generator) if self.model.training else self.model.borders(size)
        refinements = tuple(self.model.decode_prefix(received, size, count) for count in heard)
        return _transmission(refinements, tuple(uses + self.channel.pilot_uses(uses) for uses in heard))


class ResidualLink(Link):
    """Residual transmission: what a stage sends depends on what the transmitter thinks has become of those before.

    Args:
        model: its pairs of networks.
        channel: between them; one gain for all stages of an image.
        bandwidth_ratio: of all stages together; None takes the model's own.
        receptions: m; the transmitter averages what m simulated receptions give (it knows the kind of channel and its
            nominal SNR, not the draws). None: it is fed back the channel's output, which costs no channel uses here.

    Raises:
        UsageError: fewer than one simulated reception.
    """

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
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of images; see :class:`deepjscc.systems.base.System`. A learned link always delivers.

        However the transmitter estimates, equal generators give equal gains and noise. In training it is fed back the
        channel's output, and the one refinement is the unclipped sum of all stages.

        Raises:
            UsageError: a bandwidth ratio the model does not make.
        """
        model, size = self.model, (images.shape[-2], images.shape[-1])
        model.check_ratio(size, ratio_beside_pilots(self.channel, size, self.bandwidth_ratio))
        padded = padded_size(size, model.stride)
        believed = snr_db if encoder_snr_db is None else encoder_snr_db
        slow = self.channel.coherence == "image"  # else the channel draws each stage's gains itself
        gain = self.channel.draw_gain(len(images), 1, generator) if slow else None
        thoughts = seeded(int(torch.randint(2**31, (), generator=generator)))
        summands: list[Residuals] = []

        def receive(stage: int, symbols: Symbols) -> Residuals:
            received = self.channel(symbols, snr_db, gain=gain, generator=generator)
            summands.append(model.decode_stage(stage, received.symbols, padded))
            return summands[-1]

        def receive_unheard(stage: int, symbols: Symbols) -> Residuals:
            receive(stage, symbols)
            return model.simulate(stage, symbols, padded, imagine, self.receptions or 0)

        def imagine(symbols: Symbols) -> Received:
            return self.channel(symbols, believed, generator=thoughts)

        fed_back = self.receptions is None or model.training
        sent = model.encode_by(pad_to_multiple(images, model.stride), receive if fed_back else receive_unheard)
        receive(model.stages - 1, sent[:, -model.stage_uses(size) :])
        sums = [crop(total, size) for total in torch.stack(summands).cumsum(0)]
        pilots = self.channel.pilot_uses(model.stage_uses(size))  # each stage is sent by itself and brings its own
        uses = tuple(border + stage * pilots for stage, border in enumerate(model.borders(size), 1))
        if model.training:
            return _transmission((sums[-1],), uses[-1:])
        return _transmission(tuple(total.clamp(0, 1) for total in sums), uses)


def make_link(model: JSCC, channel: Channel, *, bandwidth_ratio: float | None = None) -> Link:
    """The link that a model takes, sent in one piece or in stages; see :class:`Link`."""
    if isinstance(model, Residual):
        return ResidualLink(model, channel, bandwidth_ratio=bandwidth_ratio)
    kind = ProgressiveLink if isinstance(model, Staged) else Link
    return kind(model, channel, bandwidth_ratio=bandwidth_ratio)


def _transmission(refinements: tuple[Images, ...], uses: tuple[int, ...]) -> Transmission:
    batch = len(refinements[-1])
    delivered = torch.ones(batch, dtype=torch.bool)
    return Transmission(refinements[-1], torch.full((batch,), uses[-1]), delivered, refinements, uses)
