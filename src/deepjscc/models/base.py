"""The interface of every learned system; the base class owns padding, pairing into I/Q and power."""

from typing import Any, ClassVar

from torch import nn

from deepjscc.errors import UsageError
from deepjscc.images import crop, pad_to_multiple, padded_size
from deepjscc.symbols import channel_uses, normalise_power, to_latent, to_symbols
from deepjscc.types import Decoded, Encoded, Images, Latent, LinkPlan, Received, Size, SnrDb


class JSCC(nn.Module):
    """A joint source-channel code: images to symbols, received symbols to images.

    A new model writes :meth:`analyse` and :meth:`synthesise` and says its ``stride`` and
    :meth:`latent_reals`; a model with side information or a variable ratio overrides :meth:`encode` and
    :meth:`decode`. Its constructor's keywords are its config: what a checkpoint stores. What it
    may bring for its training is in :mod:`deepjscc.models.training_hooks`.

    Attributes:
        kind: the name of the model in :data:`deepjscc.models.MODELS`.
        stride: images are padded to multiples of it.
        encoder_uses_snr: False where :meth:`encode` does not depend on the design SNR.
        supports_tiles: True where large images can be coded strip by strip, as by
            :class:`deepjscc.models.block_code.code.BlockCode`.
        supports_prefix: True where any prefix of the symbols decodes to a coarser image.
        sends_side_info: True where the decoder needs a header and a class map beside the symbols.
        stages: number of equal parts of the symbols, each of mean power 1, that refine the image one after another.
        fixed_size: the only height and width that the model takes; None where it takes any.
        export_obstacle: why the networks alone are not the code, so that it cannot be exported as graphs; None where
            it can.
        config: the constructor's keywords.
    """

    kind: ClassVar[str]
    stride: int = 1
    encoder_uses_snr: ClassVar[bool] = True
    supports_tiles: ClassVar[bool] = False
    supports_prefix: ClassVar[bool] = False
    sends_side_info: ClassVar[bool] = False
    stages: int = 1
    fixed_size: Size | None = None
    export_obstacle: str | None = None

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = config

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Transform padded images to the real latent, of any power."""
        raise NotImplementedError

    def synthesise(self, latent: Latent, size: Size, snr_db: SnrDb) -> Images:
        """Transform the received latent to images of the padded size."""
        raise NotImplementedError

    def synthesise_stages(self, latent: Latent, stages: int, size: Size, snr_db: SnrDb) -> Images:
        """The received latent of the first stages to images of the padded size.

        Args:
            latent: of these stages alone.
            stages: how many they are, one of :attr:`decoder_stages`.
            size: padded height and width.
            snr_db: at the receiver.
        """
        return self.synthesise(latent, size, snr_db)

    @property
    def decoder_stages(self) -> tuple[int, ...]:
        """Numbers of stages from which a decoder of the model makes an image; in general all of them at once."""
        return (self.stages,)

    @property
    def decodes_pairs(self) -> bool:
        """Whether the decoder needs both images of a pair."""
        return False

    @property
    def window_size(self) -> Size | None:
        """Height and width that the decoder works on in one piece; larger images are cut. None: it cuts nothing."""
        return None

    def latent_reals(self, size: Size) -> int:
        """Number of reals that :meth:`analyse` makes of one image of this padded size."""
        raise NotImplementedError

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode images to an analog layer of mean power 1 per image, with the digital layers that the decoder needs.

        Args:
            images: values in [0, 1], any size, ``[batch, 3, height, width]``.
            plan: design SNR, bandwidth ratio and margin.

        Raises:
            UsageError: a ratio this model does not make.
        """
        self.check_ratio(_size(images), plan.bandwidth_ratio)
        latent = self.analyse(pad_to_multiple(images, self.stride), plan.design_snr_db)
        return Encoded(normalise_power(to_symbols(latent)), ((),) * len(images))

    def decode(self, received: Received, size: Size) -> Images:
        """Received symbols to images of ``size`` = (height, width), in [0, 1], not rounded.

        Raises:
            UsageError: a number of symbols that no image of this size makes.
        """
        if received.symbols.shape[1] != self.uses(size):
            raise UsageError(
                f"{received.symbols.shape[1]} symbols are not an image of {size[1]}x{size[0]} by {self.kind}"
            )
        padded = padded_size(size, self.stride)
        latent = to_latent(received.symbols, self.latent_reals(padded))
        return crop(self.synthesise(latent, padded, received.conditioning_snr_db()), size)

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode a batch, with a flag for each image that was delivered and the images after earlier stages."""
        return Decoded(self.decode(received, size))

    def uses(self, size: Size) -> int:
        """Complex channel uses that an image of this size takes."""
        return (self.latent_reals(padded_size(size, self.stride)) + 1) // 2

    def check_ratio(self, size: Size, bandwidth_ratio: float | None) -> None:
        """Refuse a ratio that this fixed-ratio model does not make of an image of this size."""
        if bandwidth_ratio is None or channel_uses(size, bandwidth_ratio) == self.uses(size):
            return
        own = self.uses(size) / (3 * size[0] * size[1])
        if abs(bandwidth_ratio - own) > 0.02 * own:  # padding of odd sizes moves the measured ratio a little
            raise UsageError(
                f"this {self.kind} sends at bandwidth ratio {own:.4f}, not {bandwidth_ratio:.4f}; "
                "leave the ratio out or take another model (deepjscc models)"
            )


def _size(images: Images) -> Size:
    return images.shape[-2], images.shape[-1]
