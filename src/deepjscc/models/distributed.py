"""`distributed`: two images, each encoded alone, decoded together (S. Wang et al. 2022)."""

import warnings
from dataclasses import replace
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.layers.cross_attention import HIGHEST_DB, LOWEST_DB, NOISELESS_DB, CrossAttention, Softmax, Values
from deepjscc.layers.residual import zeroed
from deepjscc.layers.snr_conv import SnrConv, convolution
from deepjscc.models.base import JSCC
from deepjscc.types import Decoded, Images, Latent, Received, Size, SnrDb

NOISELESS_AS_DB = 20.0  # the SNR by which the convolutions know a link without noise
STEEPNESS = 4.0  # of the linear map before the sigmoid, whose slope at grey is 1/4: it learns as fast as without one
EXCHANGES = 2  # cross attentions, each behind a block of the decoder


class PairJSCC(JSCC):
    """A code for the two cameras of a pair, each encoded alone; ``joint`` codes decode the two together.

    Attributes:
        joint: whether they do.
    """

    joint: bool

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode the views of pairs, those of a pair one after another.

        A view of which something arrives that is no number is not delivered; the other is decoded as beside a link on
        which nothing was received.

        Warns:
            DeepJSCCWarning: an SNR that the model has no quality token for; it takes the nearest.
        """
        note = no_token(received.snr_db)
        if note is not None:
            warnings.warn(note, DeepJSCCWarning, stacklevel=2)
        arrived = torch.view_as_real(received.symbols).isfinite().all(2).all(1)
        images = self.decode(received if arrived.all() else without_lost(received, arrived), size)
        return Decoded(images, arrived.cpu())

    @property
    def decodes_pairs(self) -> bool:
        """Return whether the two images of a pair are decoded together."""
        return self.joint

    def check_pairs(self, received: Received) -> None:
        """Check that a batch holds whole pairs.

        Raises:
            UsageError: an odd number of images for a model that decodes pairs.
        """
        if self.joint and len(received.symbols) % 2:
            raise UsageError(f"this {self.kind} model decodes pairs: give it both images (deepjscc send-pair)")


class Distributed(PairJSCC):
    """Encoder of each camera, decoder of both.

    A batch holds the two images of each pair one after the other, each with the SNR of its own link. The encoder
    treats them as strangers. The decoder does too if not ``joint``: then any batch will do, and the model is the
    paper's baseline.

    The paper names the order of the blocks, C* and the hidden layer of the attention's MLP. Widths and kernels are
    ours, and so are two kinds of shortcuts without which a CPU's training gets nowhere: past blocks that keep the
    shape, and past each whole network, a linear map of 8x8 patches to the latent and one back.

    Args:
        filters: C*, real features sent of each 8x8 pixels: bandwidth ratio filters / 384.
        width: features at an eighth of the resolution; at a quarter two thirds of it, at half a third.
        joint: decode the two images of a pair together.
        heads, values, softmax, position: see :class:`deepjscc.layers.cross_attention.CrossAttention`.
        window_rows, window_columns: of the latent; larger maps are cut, see there.

    Raises:
        UsageError: widths that do not fit, or an unknown name.
    """

    kind: ClassVar[str] = "distributed"
    stride = 8

    def __init__(
        self,
        filters: int = 20,
        width: int = 96,
        joint: bool = True,
        heads: int = 1,
        values: Values = "other",
        softmax: Softmax = "keys",
        position: bool = True,
        window_rows: int = 16,
        window_columns: int = 32,
    ) -> None:
        super().__init__(
            filters=filters,
            width=width,
            joint=joint,
            heads=heads,
            values=values,
            softmax=softmax,
            position=position,
            window_rows=window_rows,
            window_columns=window_columns,
        )
        if filters < 1 or width < 3 or width % 3 or heads < 1 or width % heads or min(window_rows, window_columns) < 1:
            raise UsageError(f"distributed: {filters} filters, width {width} (of 3s) and {heads} heads do not fit")
        if values not in ("own", "other") or softmax not in ("keys", "queries"):
            raise UsageError(
                f"distributed: values of own or other, softmax over keys or queries; not {values}, {softmax}"
            )
        self.filters, self.joint = filters, joint
        half, quarter = width // 3, 2 * width // 3
        self.encoder = nn.ModuleList(
            [
                SnrConv(3, half, 5, "down"),
                SnrConv(half, quarter, 3, "down"),
                SnrConv(quarter, width, 3, "down"),
                SnrConv(width, width, 3),
            ]
        )
        self.compress = zeroed(nn.Conv2d(width, filters, 3, padding=1))
        self.patches = nn.Conv2d(3, filters, self.stride, self.stride)
        self.to_patches = nn.ConvTranspose2d(filters, 3, self.stride, self.stride)
        self.decompress = convolution(filters, width, 3)
        self.refine = nn.ModuleList([SnrConv(width, width, 3) for _ in range(EXCHANGES)])
        self.exchange = nn.ModuleList(
            [
                CrossAttention(
                    width,
                    (window_rows, window_columns),
                    heads=heads,
                    values=values,
                    softmax=softmax,
                    position=position,
                )
                for _ in range(EXCHANGES if joint else 0)
            ]
        )
        self.decoder = nn.ModuleList(
            [SnrConv(width, width, 3), SnrConv(width, quarter, 5, "up"), SnrConv(quarter, half, 5, "up")]
        )
        self.to_pixels = zeroed(nn.ConvTranspose2d(half, 3, 5, 2, 2, output_padding=1))

    @property
    def window_size(self) -> Size | None:
        """Height and width of the window of the cross attention, in pixels; None where there is none."""
        window = self.config["window_rows"] * self.stride, self.config["window_columns"] * self.stride
        return window if self.joint else None

    def latent_reals(self, size: Size) -> int:
        """C* per 8x8 pixels."""
        return self.filters * (size[0] // self.stride) * (size[1] // self.stride)

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Encode every image by itself to its latent."""
        images = images.contiguous(memory_format=torch.channels_last)
        features, snr_input = images, network_snr(snr_db)
        for block in self.encoder:
            features = block(features, snr_input)
        return (self.compress(features) + self.patches(images - 0.5)).flatten(1).float()

    def decode(self, received: Received, size: Size) -> Images:
        """Received symbols to images, pairs together; see :meth:`deepjscc.models.base.JSCC.decode`.

        Raises:
            UsageError: an odd number of images for a model that decodes pairs, or wrong symbols.
        """
        self.check_pairs(received)
        return super().decode(received, size)

    def synthesise(self, latent: Latent, size: Size, snr_db: SnrDb) -> Images:
        """The received latents of pairs (of strangers, if not joint) to pixels."""
        grid = (-1, self.filters, size[0] // self.stride, size[1] // self.stride)
        latent = latent.reshape(grid).contiguous(memory_format=torch.channels_last)
        features = self.decompress(latent)
        snr_input = network_snr(snr_db)
        for index, block in enumerate(self.refine):
            features = block(features, snr_input)
            if self.joint:
                features = self.exchange[index](features, snr_db)
        for block in self.decoder:
            features = block(features, snr_input)
        steep = STEEPNESS * self.to_patches(latent)
        return (self.to_pixels(features) + steep).float().sigmoid()


def without_lost(received: Received, arrived: Bool[Tensor, " batch"]) -> Received:
    """A batch in which the images that did not arrive are nothing: no symbols, infinite noise."""
    return replace(
        received,
        symbols=torch.where(arrived[:, None], received.symbols, 0),
        noise_variance=torch.where(arrived[:, None], received.noise_variance, torch.inf),
        gain=None if received.gain is None else torch.where(arrived[:, None], received.gain.nan_to_num(1.0), 1.0),
        snr_db=torch.where(arrived, received.snr_db, -torch.inf),
    )


def network_snr(snr_db: SnrDb) -> SnrDb:
    """Clamp the SNR to the range in which the convolutions were trained; a link without noise has its own value."""
    return torch.where(snr_db >= NOISELESS_DB, NOISELESS_AS_DB, snr_db.clamp(LOWEST_DB, HIGHEST_DB))


def no_token(snr_db: Float[Tensor, "*links"]) -> str | None:
    """Return a note for the user if SNRs lie outside the model's quality tokens, else None."""
    outside = snr_db[(snr_db < LOWEST_DB - 0.5) | ((snr_db > HIGHEST_DB + 0.5) & (snr_db < NOISELESS_DB))]
    if not len(outside):
        return None
    return f"an SNR outside {LOWEST_DB} to {HIGHEST_DB} dB (or inf) is replaced by the nearest that the model knows"
