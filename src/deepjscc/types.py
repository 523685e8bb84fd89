"""Types shared by all packages: images, symbols, the layers of a transmission, and what each party makes of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Complex, Float, Int, UInt8
from torch import Tensor

Images = Float[Tensor, "batch 3 height width"]  #: values in [0, 1]
Image8 = UInt8[Tensor, "3 height width"]  #: one 8-bit picture, as codecs take it
Latent = Float[Tensor, "batch reals"]  #: the encoder's real output, before pairing into I/Q
Symbols = Complex[Tensor, "batch uses"]  #: mean |z|^2 = 1 per image
Gain = Complex[Tensor, "batch coherence"]  #: h: one per image (coherence 1) or one per symbol
SnrDb = Float[Tensor, " batch"]  #: 10 log10(P / N0), N0 the noise variance of a complex symbol
Size = tuple[int, int]  #: height, width
ErrorOverRatio = Callable[[float], float | None]
"""What a transmitter expects of one image: from a bandwidth ratio without pilots to the mean squared error of a pixel
value, on the scale of images and rounded to 8 bits; None where it cannot send the image at this ratio."""


MARGIN_DB = 6.0  # of a plan that says nothing else: digital layers beside the payload survive so much below the design
PairSnrDb = Float[Tensor, "batch 2"]  #: of each view's link
Pairs = Float[Tensor, "batch 2 3 height width"]  #: the two views of each scene, left and right, in [0, 1]


@dataclass(frozen=True)
class LinkPlan:
    """The transmitter's decisions and beliefs before it encodes.

    Attributes:
        design_snr_db: SNR of the channel that the transmitter plans for, in dB, per image.
        bandwidth_ratio: complex channel uses per source value, k / n, without pilots; None takes the transmitter's own.
        margin_db: how far below the design SNR the channel may be before header and class map are lost.
        snr_offsets_db: what the transmitter believes of the channel's SNR: equally likely offsets from the design SNR,
            in dB; one of 0 where it knows the SNR.
    """

    design_snr_db: SnrDb
    bandwidth_ratio: float | None = None
    margin_db: float = MARGIN_DB
    snr_offsets_db: tuple[float, ...] = (0.0,)

    @property
    def side_info_snr_db(self) -> SnrDb:
        """Lowest SNR at which header and class map must arrive, in dB, per image."""
        return self.design_snr_db - self.margin_db

    def to(self, device: torch.device) -> "LinkPlan":
        """The same on another device."""
        return replace(self, design_snr_db=self.design_snr_db.to(device))


@dataclass(frozen=True)
class LayerChannel:
    """The channel that one image's digital layer meets, for codes that are models instead of bits.

    Attributes:
        capacity: bits per complex use that an ideal code carries over this draw of the channel.
        snr_db: ratio of the layer's power to noise and superposed layers, in dB; over slow fading that of this fade,
            over fast fading that without the fading.
        draw: uniform in [0, 1): decides whether a code of a known error rate fails.
    """

    capacity: float
    snr_db: float
    draw: float = 0.5


@runtime_checkable
class ChannelCode(Protocol):
    """A channel code that has been planned: how the bits of one digital layer are protected.

    Attributes:
        random: whether :meth:`arrives` depends on :attr:`LayerChannel.draw`, or the noise of simulated bits on it.
    """

    @property
    def random(self) -> bool:
        """See above."""
        ...

    def uses_of(self, data: bytes) -> int:
        """Complex channel uses that the layer takes."""
        ...

    def arrives(self, over: LayerChannel) -> bool:
        """Return whether the layer arrives, for a code whose bits are not really sent."""
        ...

    def modulate(self, data: bytes) -> Symbols | None:
        """The layer as symbols ``[1, uses]`` of mean power 1; None where the code is a model and no bit is sent."""
        ...

    def demodulate(
        self, symbols: Symbols, noise_variance: Float[Tensor, "batch uses"], expected: bytes
    ) -> bytes | None:
        """The data of equalised symbols ``[1, uses]``; None where a check fails.

        Args:
            symbols: as received, of mean power 1 before the channel.
            noise_variance: of each symbol, superposed layers included.
            expected: what was sent: its length is known to the receiver, and so are header bytes that do not count.
        """
        ...


@dataclass(frozen=True)
class IdealCode:
    """A capacity-achieving code of a given rate: it arrives where the channel carries that rate.

    Attributes:
        rate: bits per complex use; 1/8 gets through down to -10.4 dB.
        uses: complex uses it has; None takes as many as the data need at this rate.
    """

    rate: float = 1 / 8
    uses: int | None = None

    @property
    def random(self) -> bool:
        """See :class:`ChannelCode`: the channel alone decides."""
        return False

    def uses_of(self, data: bytes) -> int:
        """See :class:`ChannelCode`."""
        return math.ceil(8 * len(data) / self.rate) if self.uses is None else self.uses

    def arrives(self, over: LayerChannel) -> bool:
        """See :class:`ChannelCode`."""
        return over.capacity >= self.rate * (1 - 1e-7)

    def modulate(self, data: bytes) -> None:
        """See :class:`ChannelCode`: an ideal code has no symbols."""
        return

    def demodulate(self, symbols: Symbols, noise_variance: Tensor, expected: bytes) -> bytes | None:
        """See :class:`ChannelCode`; never called."""
        raise NotImplementedError


@dataclass(frozen=True)
class DigitalLayer:
    """Bytes that arrive whole or not at all: a header, a class map, a coded picture, the base of a hybrid.

    Attributes:
        data: the bytes; None where the transmitter found nothing that fits, so that the layer's uses stay silent.
        code: their channel code.
        superposed: True where the layer shares the channel uses of the analog layer.
        name: what the layer holds, for tables and messages.
    """

    data: bytes | None
    code: ChannelCode = IdealCode()
    superposed: bool = False
    name: str = "side information"

    @property
    def uses(self) -> int:
        """Complex channel uses of the layer."""
        return self.code.uses_of(self.data or b"")


@dataclass(frozen=True)
class Encoded:
    """The transmitter's output: for each image one analog layer and any number of digital layers.

    Attributes:
        symbols: of the analog layer, mean power 1 per image; past an image's count, zeros that are not sent.
        digital: per image, digital layers.
        counts: symbols sent of each image; empty: all of every row.
        analog_share: per image, power of the analog layer where a digital layer is superposed on it, which has the
            rest; empty: there is none.
    """

    symbols: Symbols
    digital: tuple[tuple[DigitalLayer, ...], ...]
    counts: tuple[int, ...] = ()
    analog_share: tuple[float, ...] = ()

    def to(self, device: torch.device) -> "Encoded":
        """The same on another device."""
        return replace(self, symbols=self.symbols.to(device))

    def uses(self) -> tuple[int, ...]:
        """Complex channel uses of each image, all layers together."""
        counts = self.counts or (self.symbols.shape[1],) * len(self.symbols)
        return tuple(
            count + sum(layer.uses for layer in layers if not layer.superposed)
            for count, layers in zip(counts, self.digital, strict=True)
        )

    def image(self, index: int) -> "Encoded":
        """Return one image of the batch, without the padding of its row."""
        count = self.counts[index] if self.counts else self.symbols.shape[1]
        return Encoded(
            self.symbols[index, None, :count],
            (self.digital[index],),
            (count,) if self.counts else (),
            self.analog_share[index : index + 1],
        )


@dataclass(frozen=True)
class Received:
    """What the receiver's equaliser and channel decoders make of a channel's output: symbols and their noise.

    Attributes:
        symbols: received symbols of the analog layer; equalised (divided by the gain) where the receiver knows the
            gain, a superposed digital layer subtracted where it was decoded.
        noise_variance: of each complex symbol as it stands, so N0 / |gain|^2 after equalising; infinite means "not
            received". May be an expanded view.
        gain: the fading coefficient where the receiver knows it (``csi="receiver"``) or estimated it, else None.
        snr_db: nominal P / N0.
        digital: per image the data of the digital layers, None for one that was lost; empty: no layers at all.
        counts: symbols of each image, the rest of its row being nothing; empty: all of every row.
    """

    symbols: Symbols
    noise_variance: Float[Tensor, "batch uses"]
    gain: Gain | None
    snr_db: SnrDb
    digital: tuple[tuple[bytes | None, ...], ...] = field(default=())
    counts: tuple[int, ...] = ()

    def to(self, device: torch.device) -> "Received":
        """The same on another device."""
        gain = None if self.gain is None else self.gain.to(device)
        symbols, noise = self.symbols.to(device), self.noise_variance.to(device)
        return replace(self, symbols=symbols, noise_variance=noise, gain=gain, snr_db=self.snr_db.to(device))

    def conditioning_snr_db(self) -> SnrDb:
        """The one number a conditioned model is told: nominal, or that of the fade where the gain is known and slow.

        Clamped to +-100 dB, so that a link without noise does not feed infinity to a network.
        """
        snr_db = self.snr_db
        if self.gain is not None and self.gain.shape[1] == 1:
            snr_db = snr_db + 20 * torch.log10(self.gain[:, 0].abs().clamp_min(1e-10))
        return snr_db.clamp(-100, 100)


@dataclass(frozen=True)
class Decoded:
    """The receiver's output for a batch.

    Attributes:
        images: the reconstruction in [0, 1], not yet rounded to 8 bits.
        delivered: per image, False where everything was lost (outage); None: every image was delivered.
        refinements: of a progressive code, the images after each stage.
        refinement_uses: complex uses of each image up to and with that stage, without pilots.
        layers: per image, names of the layers that arrived, of a receiver that counts them; else empty.
        estimated_mse: per image, the mean squared error of a pixel value on 8 bits that the receiver itself estimates,
            on the scale of images; NaN where it cannot tell; None of a receiver that never can.
    """

    images: Images
    delivered: Bool[Tensor, " batch"] | None = None
    refinements: tuple[Images, ...] = ()
    refinement_uses: tuple[int, ...] = ()
    layers: tuple[tuple[str, ...], ...] = ()
    estimated_mse: Float[Tensor, " batch"] | None = None

    @property
    def estimated_psnr_db(self) -> tuple[float | None, ...]:
        """Per image, the PSNR in dB on 8 bits that the receiver itself estimates; None where it cannot tell."""
        return _psnr_db(self.estimated_mse, len(self.images))

    def to(self, device: torch.device) -> "Decoded":
        """The same images on another device."""
        refinements = tuple(stage.to(device) for stage in self.refinements)
        return replace(self, images=self.images.to(device), refinements=refinements)


@dataclass(frozen=True)
class Transmission:
    """The images at the far end, and their cost; for pairs, everything per pair and view, ``[batch, 2, ...]``.

    Attributes:
        images: the reconstruction in [0, 1], not yet rounded to 8 bits.
        channel_uses: complex uses really spent per image, side information and pilots included.
        delivered: False where all of the image was lost (outage) and its per-channel mean is shown.
        refinements: of a progressive system, the image after each stage.
        refinement_uses: complex uses of each image up to and with that stage.
        layers: per image, names of the layers that arrived, of a system that counts them; else empty.
        estimated_mse: per image, what the receiver itself estimates; see :class:`Decoded`.
        tries: per image, how often it was sent, of a system with second tries; else empty.
    """

    images: Float[Tensor, "*batch 3 height width"]
    channel_uses: Int[Tensor, "*batch"]
    delivered: Bool[Tensor, "*batch"]
    refinements: tuple[Images, ...] = ()
    refinement_uses: tuple[int, ...] = ()
    layers: tuple[tuple[str, ...], ...] = ()
    estimated_mse: Float[Tensor, "*batch"] | None = None
    tries: tuple[int, ...] = ()

    @property
    def estimated_psnr_db(self) -> tuple[float | None, ...]:
        """Per image of the batch, the PSNR in dB that the receiver estimates; None where it cannot tell."""
        return _psnr_db(self.estimated_mse, self.delivered.numel())

    @property
    def bandwidth_ratio(self) -> Float[Tensor, "*batch"]:
        """k / n, measured: complex channel uses spent per source value."""
        return self.channel_uses.double() / math.prod(self.images.shape[-3:])


def _psnr_db(mse: Tensor | None, images: int) -> tuple[float | None, ...]:
    """PSNR in dB of each mean squared error, 100 dB at most; None of what is not known."""
    if mse is None:
        return (None,) * images
    errors = mse.flatten().tolist()
    return tuple(-10 * math.log10(max(error, 1e-10)) if math.isfinite(error) else None for error in errors)
