"""The words of the house as types: images, symbols, what a transmitter sends, a receiver gets and a system returns."""

import math
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class SideInfo:
    """Bytes that must arrive unharmed: a header, a map. They travel coded, and their uses are counted.

    Attributes:
        data: the bytes.
        rate: bits per complex use of their code, taken to be ideal; 1/8 gets through down to -10.4 dB.
    """

    data: bytes
    rate: float = 1 / 8

    @property
    def uses(self) -> int:
        """Complex channel uses they cost."""
        return math.ceil(8 * len(self.data) / self.rate)


@dataclass(frozen=True)
class Encoded:
    """What an encoder hands to the radio.

    Attributes:
        symbols: complex channel inputs, mean power 1 per image; past an image's count, zeros that are not sent.
        side_info: per image, parts that each arrive whole or not at all.
        counts: symbols sent of each image; empty: all of every row.
    """

    symbols: Symbols
    side_info: tuple[tuple[SideInfo, ...], ...]
    counts: tuple[int, ...] = ()

    def uses(self) -> tuple[int, ...]:
        """Complex channel uses of each image, side information included."""
        counts = self.counts or (self.symbols.shape[1],) * len(self.symbols)
        return tuple(
            count + sum(part.uses for part in parts) for count, parts in zip(counts, self.side_info, strict=True)
        )


@dataclass(frozen=True)
class Received:
    """Channel output and what the receiver knows.

    Attributes:
        symbols: received symbols; equalised (divided by the gain) where the receiver knows the gain.
        noise_variance: of each complex symbol as it stands, so N0 / |gain|^2 after equalising; infinite means "not
            received". May be an expanded view.
        gain: the fading coefficient where the receiver was told it (``csi="receiver"``) or estimated it, else None.
        snr_db: nominal P / N0.
        side_info: per image the parts that came with the symbols, None for one that was lost; empty: nothing at all.
        counts: symbols of each image, the rest of its row being nothing; empty: all of every row.
    """

    symbols: Symbols
    noise_variance: Float[Tensor, "batch uses"]
    gain: Gain | None
    snr_db: SnrDb
    side_info: tuple[tuple[bytes | None, ...], ...] = field(default=())
    counts: tuple[int, ...] = ()

    def conditioning_snr_db(self) -> SnrDb:
        """The one number a conditioned model is told: nominal, or that of the fade where the gain is known and slow.

        Clamped to +-100 dB, so that a link without noise does not feed infinity to a network.
        """
        snr_db = self.snr_db
        if self.gain is not None and self.gain.shape[1] == 1:
            snr_db = snr_db + 20 * torch.log10(self.gain[:, 0].abs().clamp_min(1e-10))
        return snr_db.clamp(-100, 100)


@dataclass(frozen=True)
class Transmission:
    """What came out at the far end, and what it cost; of pairs, everything per pair and view, ``[batch, 2, ...]``.

    Attributes:
        images: the reconstruction in [0, 1], not yet rounded to 8 bits.
        channel_uses: complex uses really spent per image, side information and pilots included.
        delivered: False where a digital link failed and the image is the per-channel mean.
        refinements: of a progressive system, the image after each stage.
        refinement_uses: complex uses of each image up to and with that stage.
    """

    images: Float[Tensor, "*batch 3 height width"]
    channel_uses: Int[Tensor, "*batch"]
    delivered: Bool[Tensor, "*batch"]
    refinements: tuple[Images, ...] = ()
    refinement_uses: tuple[int, ...] = ()

    @property
    def bandwidth_ratio(self) -> Float[Tensor, "*batch"]:
        """k / n, measured: complex channel uses spent per source value."""
        return self.channel_uses.double() / math.prod(self.images.shape[-3:])
