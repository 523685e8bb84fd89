"""Codes sent in stages: every stage a block of symbols of power 1, a picture after each (Kurka and Gündüz 2019)."""

from jaxtyping import Float
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.images import crop, pad_to_multiple, padded_size
from deepjscc.layers import autoencoder
from deepjscc.models.base import JSCC
from deepjscc.symbols import normalise_power, to_latent, to_symbols
from deepjscc.types import Decoded, Encoded, Images, Latent, LinkPlan, Received, Size, Symbols


class Staged(JSCC):
    """The networks of the original deep JSCC, their latent cut into stages: whole filters, the first ones first.

    A scheme writes :meth:`reconstruct`, and either :meth:`analyse`, where one encoder makes all stages at once, or
    :meth:`encode`.

    Args:
        stages: L.
        filters: c of each stage: c reals per 4x4 pixels, so bandwidth ratio c / 96 each.
        config: of the scheme besides.

    Raises:
        UsageError: fewer than one of either.
    """

    stride = autoencoder.STRIDE

    def __init__(self, stages: int, filters: int, **config: bool) -> None:
        super().__init__(stages=stages, filters=filters, **config)
        if stages < 1 or filters < 1:
            raise UsageError(f"{self.kind} needs at least one stage and one filter, not {stages} and {filters}")
        self.stages, self.filters = stages, filters

    def reconstruct(self, symbols: Symbols, size: Size) -> Images:
        """Received symbols, a prefix of those of the padded size, to images of that size.

        Raises:
            UsageError: too few to see anything by.
        """
        raise NotImplementedError

    def training_ends(self, size: Size) -> tuple[int, ...]:
        """Numbers of symbols after which an image is decoded in a training step: after each stage."""
        return self.borders(size)

    def latent_reals(self, size: Size) -> int:
        """Number of reals in the latent: c per 4x4 pixels and stage."""
        return self.stages * self.filters * (size[0] // self.stride) * (size[1] // self.stride)

    def borders(self, size: Size) -> tuple[int, ...]:
        """Numbers of symbols after the first stage, the first two, …, for images of this size."""
        each = self.stage_uses(size)
        return tuple(each * stage for stage in range(1, self.stages + 1))

    def stage_uses(self, size: Size) -> int:
        """Complex channel uses of each stage; an odd number of reals takes a use for the last one alone."""
        height, width = padded_size(size, self.stride)
        return (self.filters * (height // self.stride) * (width // self.stride) + 1) // 2

    def uses(self, size: Size) -> int:
        """Number of complex channel uses of all stages."""
        return self.stages * self.stage_uses(size)

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Images to the symbols of all stages, one after another; see :meth:`JSCC.encode`."""
        self.check_ratio((images.shape[-2], images.shape[-1]), plan.bandwidth_ratio)
        latent = self.analyse(pad_to_multiple(images, self.stride), plan.design_snr_db)
        return Encoded(stage_symbols(latent, self.stages), ((),) * len(images))

    def decode(self, received: Received, size: Size) -> Images:
        """Decode the first symbols, as many as have arrived, to images of ``size`` in [0, 1], not rounded.

        Raises:
            UsageError: more symbols than all stages have, or too few for the first picture.
        """
        return self.decode_prefix(received, size, received.symbols.shape[1])

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode the images after each stage, in training those that the scheme learns from at this step."""
        ends = self.training_ends(size) if self.training else self.borders(size)
        refinements = tuple(self.decode_prefix(received, size, count) for count in ends)
        return Decoded(refinements[-1], refinements=refinements, refinement_uses=ends)

    def decode_prefix(self, received: Received, size: Size, count: int) -> Images:
        """Images of ``size`` from the first ``count`` received symbols.

        Raises:
            UsageError: more than all stages have, or too few for the first picture.
        """
        if count > self.uses(size):
            raise UsageError(
                f"{count} symbols are more than the {self.uses(size)} of {self.stages} stages of an image of "
                f"{size[1]}x{size[0]} by {self.kind}"
            )
        return crop(self.reconstruct(received.symbols[:, :count], padded_size(size, self.stride)), size)

    def complete_stages(self, count: int, size: Size) -> int:
        """Count the stages that have arrived whole with ``count`` symbols.

        Raises:
            UsageError: not even the first.
        """
        complete = count // self.stage_uses(size)
        if not complete:
            raise UsageError(
                f"{count} symbols are not even the first stage of an image of {size[1]}x{size[0]} by {self.kind}, "
                f"which has {self.stage_uses(size)}"
            )
        return complete

    def features(self, symbols: Symbols, stages: int, size: Size) -> Float[Tensor, "batch filters rows columns"]:
        """Symbols of so many whole stages to the feature maps that a decoder takes."""
        each = symbols.reshape(len(symbols) * stages, -1)
        reals = to_latent(each, self.filters * (size[0] // self.stride) * (size[1] // self.stride))
        return self.as_features(reals.reshape(len(symbols), -1), stages, size)

    def as_features(self, latent: Latent, stages: int, size: Size) -> Float[Tensor, "batch filters rows columns"]:
        """The latent of so many whole stages as feature maps."""
        return latent.reshape(-1, stages * self.filters, size[0] // self.stride, size[1] // self.stride)


def stage_symbols(latent: Latent, stages: int) -> Symbols:
    """The latent in equal stages, each of mean power 1 per image, so that every prefix of them is too."""
    each = normalise_power(to_symbols(latent.reshape(len(latent) * stages, -1)))
    return each.reshape(len(latent), -1)
