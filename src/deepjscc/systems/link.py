"""The link: transmitter, channel and receiver in sequence. All systems send their pictures by it."""

from collections.abc import Iterator, Sequence
from itertools import chain

import torch
from torch import nn

from deepjscc.channels import Channel
from deepjscc.digital.finite_constellation import FiniteConstellation
from deepjscc.errors import UsageError
from deepjscc.images import check_images
from deepjscc.models.base import JSCC
from deepjscc.models.block_code.tiling import Rows
from deepjscc.models.training_hooks import training_variant
from deepjscc.symbols import channel_uses
from deepjscc.systems.base import Draws, Receiver, Transmitter
from deepjscc.systems.constellation import ConstellationTransceiver
from deepjscc.systems.device_rows import RowsOnDevice
from deepjscc.systems.transport import send_over, warn_of_fewer_uses
from deepjscc.types import MARGIN_DB, Encoded, Images, LinkPlan, Pairs, Received, Size, SnrDb, Transmission
from deepjscc.units import snr_per_image


class Link(nn.Module):
    """image -> transmitter -> symbols -> channel -> received -> receiver -> image.

    Args:
        transmitter: the encoder: a model, a codec with a channel code, or a hybrid.
        channel: the channel between the antennas.
        receiver: the decoder; None if the transmitter object also decodes, as models do.
        bandwidth_ratio: complex channel uses per source value, all layers and pilots included; None takes the
            transmitter's own ratio, to which pilots are added.
        snr_offsets_db: SNRs of the channel that the transmitter considers possible, in dB relative to the design SNR
            and equally likely, without fading, which is added; a single 0 if it knows the SNR.

    >>> from deepjscc.channels import AWGN
    >>> from deepjscc.zoo import load
    >>> link = Link(load("cnn-c16-awgn-10db"), AWGN())
    >>> images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> sent = link.transmit(images, torch.tensor([10.0, 20.0]), generator=torch.Generator().manual_seed(1))
    >>> sent.images.shape, sent.channel_uses.tolist()
    (torch.Size([2, 3, 32, 32]), [512, 512])
    """

    supports_split = True

    def __init__(
        self,
        transmitter: Transmitter,
        channel: Channel,
        receiver: Receiver | None = None,
        *,
        bandwidth_ratio: float | None = None,
        snr_offsets_db: tuple[float, ...] = (0.0,),
    ) -> None:
        super().__init__()
        self.transmitter, self.channel, self.bandwidth_ratio = transmitter, channel, bandwidth_ratio
        self.snr_offsets_db = snr_offsets_db
        self.own_receiver = receiver

    @property
    def receiver(self) -> Receiver:
        """The decoder: the receiver that was given, or else the transmitter object."""
        return self.transmitter if self.own_receiver is None else self.own_receiver  # type: ignore[return-value]

    @property
    def model(self) -> JSCC:
        """The model that is both transmitter and receiver, which training changes and a checkpoint holds.

        Raises:
            UsageError: the transmitter is not a model.
        """
        transmitter = self.transmitter
        model = transmitter.inner if isinstance(transmitter, ConstellationTransceiver) else transmitter
        if not isinstance(model, JSCC):
            raise UsageError(f"{type(model).__name__} has no weights to train or to save")
        return model

    @property
    def constellation(self) -> FiniteConstellation | None:
        """The constellation to whose points the transmitter rounds its analog symbols, if it does."""
        own = self.transmitter
        return own.constellation if isinstance(own, ConstellationTransceiver) else None

    @property
    def device(self) -> torch.device:
        """The device of the networks, which ``link.to(device)`` changes.

        Encoder and decoder run on it. The channel is computed on the device of the images, so that gains and noise do
        not depend on the device of the networks.
        """
        tensor = next(chain(self.parameters(), self.buffers()), None)
        return torch.device("cpu") if tensor is None else tensor.device

    @property
    def encoder_uses_snr(self) -> bool:
        """See :class:`deepjscc.systems.base.System`."""
        return getattr(self.transmitter, "encoder_uses_snr", True)

    @property
    def supports_tiles(self) -> bool:
        """See :class:`deepjscc.systems.base.System`."""
        return getattr(self.transmitter, "supports_tiles", False)

    @property
    def supports_prefix(self) -> bool:
        """See :class:`deepjscc.systems.base.System`."""
        return getattr(self.transmitter, "supports_prefix", False)

    def over(self, channel: Channel) -> "Link":
        """The same transmitter and receiver over another channel."""
        return self._with(channel, self.bandwidth_ratio, self.snr_offsets_db)

    def with_ratio(self, bandwidth_ratio: float | None) -> "Link":
        """The same transmitter, channel and receiver with another bandwidth ratio."""
        return self._with(self.channel, bandwidth_ratio, self.snr_offsets_db)

    def with_snr_offsets(self, snr_offsets_db: tuple[float, ...]) -> "Link":
        """The same link, whose transmitter plans for these equally likely SNRs relative to the design SNR, in dB."""
        return self._with(self.channel, self.bandwidth_ratio, snr_offsets_db)

    def _with(self, channel: Channel, bandwidth_ratio: float | None, snr_offsets_db: tuple[float, ...]) -> "Link":
        return Link(
            self.transmitter,
            channel,
            self.own_receiver,
            bandwidth_ratio=bandwidth_ratio,
            snr_offsets_db=snr_offsets_db,
        )

    def plan(self, size: Size, design_snr_db: SnrDb) -> LinkPlan:
        """Plan a transmission: the bandwidth that remains beside the pilots, and a margin for the channel's fading.

        Args:
            size: height and width of the images.
            design_snr_db: the SNR in dB that the transmitter plans for, ``[batch]``.

        Raises:
            UsageError: the pilots take the whole bandwidth.
        """
        ratio = ratio_beside_pilots(self.channel, size, self.bandwidth_ratio)
        margin_db = max(MARGIN_DB, self.channel.fade_depth_db) - min(0.0, *self.snr_offsets_db)
        offsets_db = combined_offsets_db(self.channel.fade_offsets_db(), self.snr_offsets_db)
        return LinkPlan(design_snr_db, ratio, margin_db, offsets_db)

    def transmit(
        self,
        images: Images | Pairs,
        snr_db: torch.Tensor | float,
        *,
        encoder_snr_db: torch.Tensor | float | None = None,
        generator: Draws = None,
    ) -> Transmission:
        """Send a batch of images, or of pairs; see :meth:`deepjscc.systems.base.System.transmit`.

        One SNR in place of a batch of them is that of all images.

        Raises:
            UsageError: the transmitter does not support the bandwidth ratio, or the images are not floats in [0, 1]. A
                view that holds NaN is not delivered.

        Warns:
            DeepJSCCWarning: the transmitter cannot use as many channel uses as the bandwidth ratio grants.
        """
        views = images.flatten(0, -4)
        if not getattr(self.transmitter, "training", False):  # training data were checked when they were read
            check_images(views.nan_to_num(0.5) if views.is_floating_point() else views)
        shape = tuple(images.shape[:-3])
        snr_db = snr_per_image(snr_db, shape)
        design_snr_db = snr_db if encoder_snr_db is None else snr_per_image(encoder_snr_db, shape)
        link = self._training_variant(generator)
        sent = link.deliver(link.encode(views, design_snr_db.flatten()), views, snr_db.flatten(), generator)
        if self.bandwidth_ratio is not None:
            warn_of_fewer_uses(sent, channel_uses((images.shape[-2], images.shape[-1]), self.bandwidth_ratio))
        return sent if images.dim() == 4 else in_views(sent, images.shape[1])

    def encode(self, images: Images, design_snr_db: SnrDb) -> Encoded:
        """The transmitter's part of :meth:`transmit`: encode images to the layers that are transmitted.

        Args:
            images: values in [0, 1], ``[batch, 3, height, width]``.
            design_snr_db: the SNR in dB that the transmitter plans for, ``[batch]``.

        Raises:
            UsageError: the transmitter does not support the bandwidth ratio.
        """
        plan = self.plan((images.shape[-2], images.shape[-1]), design_snr_db)
        return self.transmitter.encode(images.to(self.device), plan.to(self.device)).to(images.device)

    def deliver(self, encoded: Encoded, images: Images, snr_db: SnrDb, generator: Draws = None) -> Transmission:
        """The channel's and the receiver's part of :meth:`transmit`.

        Args:
            encoded: the result of :meth:`encode`.
            images: the transmitted images; one of which nothing arrives is shown as its mean colour, as if the receiver
                knew that colour.
            snr_db: P / N0 in dB, ``[batch]``.
            generator: random generator of gains and noise.
        """
        received = send_over(self.channel, encoded, snr_db, generator)
        return self.receive(received, encoded, images)

    def receive(self, received: Received, encoded: Encoded, images: Images) -> Transmission:
        """The receiver's part of :meth:`deliver`: decode, and count the channel uses.

        Args:
            received: equalised symbols and the data of the digital layers that arrived.
            encoded: the result of :meth:`encode`, whose channel uses are counted.
            images: the transmitted images, as :meth:`deliver` takes them.
        """
        size = (images.shape[-2], images.shape[-1])
        decoded = self.receiver.receive(received.to(self.device), size).to(images.device)
        shown, delivered = decoded.images, torch.ones(len(images), dtype=torch.bool)
        if decoded.delivered is not None:
            delivered = decoded.delivered
            lost = ~delivered.to(shown.device)[:, None, None, None]
            means = images.nan_to_num(0.5).mean((-2, -1), keepdim=True)
            shown = torch.where(lost, means, shown)
        return Transmission(
            shown,
            self.spent(encoded),
            delivered,
            decoded.refinements,
            tuple(uses + self.channel.pilot_uses(uses) for uses in decoded.refinement_uses),
            decoded.layers,
            None if decoded.estimated_mse is None else decoded.estimated_mse.cpu(),
        )

    def spent(self, encoded: Encoded) -> torch.Tensor:
        """Complex channel uses of each image, pilots included."""
        return torch.tensor([uses + self.channel.pilot_uses(uses) for uses in encoded.uses()])

    def transmit_rows(
        self, rows: Rows, snr_db: SnrDb, *, encoder_snr_db: SnrDb | None = None, generator: Draws = None
    ) -> tuple[Iterator[Images], int]:
        """Send one large image strip by strip, with the same result as :meth:`transmit`.

        Args:
            rows: the image, which is read in strips.
            snr_db: P / N0 in dB, ``[1]``.
            encoder_snr_db: design SNR in dB, ``[1]``; None takes that of the channel.
            generator: random generator of gains and noise.

        Returns:
            Strips of the reconstruction from top to bottom, of which the last may exceed the image, and the number of
            complex channel uses.

        Raises:
            UsageError: the transmitter does not work in strips.
        """
        if not self.supports_tiles:
            raise UsageError("only linear and universal send an image this large in strips; scale the image down")
        plan = self.plan(rows.size, snr_db if encoder_snr_db is None else encoder_snr_db)
        there = RowsOnDevice(rows, self.device)
        encoded = self.transmitter.encode_rows(there, plan.to(self.device))  # type: ignore[attr-defined]
        received = send_over(self.channel, encoded.to(snr_db.device), snr_db, generator).to(self.device)
        strips = self.receiver.decode_rows(received, rows.size)  # type: ignore[attr-defined]
        return (strip.to(snr_db.device) for strip in strips), int(self.spent(encoded))

    def _training_variant(self, generator: Draws) -> "Link":
        """The link that a training step uses: some models are trained with a random variant of themselves."""
        if not getattr(self.transmitter, "training", False):
            return self
        assert not isinstance(generator, Sequence)
        own = self.transmitter
        model = own.inner if isinstance(own, ConstellationTransceiver) else own
        variant = training_variant(model, generator) if isinstance(model, JSCC) else None
        if variant is None or variant is model:
            return self
        transmitter = own.around(variant) if isinstance(own, ConstellationTransceiver) else variant
        return Link(transmitter, self.channel, bandwidth_ratio=self.bandwidth_ratio)


def in_views(sent: Transmission, views: int) -> Transmission:
    """Give a transmission of single views, in which those of a scene follow one another, an axis of views."""
    parts = (each.unflatten(0, (-1, views)) for each in (sent.images, sent.channel_uses, sent.delivered))
    return Transmission(*parts)


def combined_offsets_db(fades_db: Sequence[float], beliefs_db: Sequence[float]) -> tuple[float, ...]:
    """Equally likely sums of two independent offsets in dB, thinned to as many as the longer of the two lists has.

    >>> combined_offsets_db((0.0,), (-6.0, 0.0, 6.0))
    (-6.0, 0.0, 6.0)
    """
    sums, count = (
        sorted(fade + belief for fade in fades_db for belief in beliefs_db),
        max(len(fades_db), len(beliefs_db)),
    )
    return tuple(sums[int((index + 0.5) * len(sums) / count)] for index in range(count))


def ratio_beside_pilots(channel: Channel, size: Size, bandwidth_ratio: float | None) -> float | None:
    """The bandwidth ratio that remains for the symbols of an image of this size beside the pilots; None stays None.

    Args:
        channel: the channel, which counts its pilots.
        size: height and width of the image.
        bandwidth_ratio: complex channel uses per source value, pilots included.

    Raises:
        UsageError: the pilots take the whole bandwidth.
    """
    if bandwidth_ratio is None:
        return None
    uses = channel_uses(size, bandwidth_ratio)
    left = channel.data_uses(uses)
    if left == uses:
        return bandwidth_ratio
    if not left:
        raise UsageError(
            f"the pilots take all channel uses of the bandwidth ratio {bandwidth_ratio:.4g}; give a larger ratio"
        )
    return left / (3 * size[0] * size[1])
