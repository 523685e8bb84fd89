"""`adaptive_linear`: the stages of `adaptive` as branches around the linear code, where they begin at zero.

The report's networks never learn to use a good channel. Here the closed-form code sends and estimates everything that
a linear one can; the encoder's branch adds to its latent, and the decoder's two branches correct its estimate: the
coefficients at 1/16 of the resolution, then the pixels, each in units of the posterior deviation of what it corrects.
"""

from dataclasses import dataclass
from typing import ClassVar, get_args

from torch import nn
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.layers.products import Dense
from deepjscc.layers.residual import zeroed
from deepjscc.layers.snr_stage import (
    Conditioning,
    FilmResiduals,
    GatedResiduals,
    Pyramid,
    downwards,
    upwards,
)
from deepjscc.models.block_code.closed_form import LmmseObservation
from deepjscc.models.block_code.code import BlockCode
from deepjscc.models.block_code.network_inputs import (
    LINK,
    LINK_AT_RECEIVER,
    NetworkInputs,
    as_blocks,
    as_grid,
    network_input,
    values_at_decoder,
    values_at_encoder,
)
from deepjscc.models.block_code.networks import BLOCK, TrainedRange
from deepjscc.models.block_code.transform import Blocks
from deepjscc.types import Images

HALO_PIXELS = 216  # of 3x3 convolutions eight at 1/16 and four each at 1/8, 1/4 and 1/2, and the 5x5 ones between
Residuals = FilmResiduals | GatedResiduals


@dataclass(frozen=True)
class AdaptiveNetworks:
    """The encoder's branch, from pixels and blocks to the latent, and the decoder's two.

    Attributes:
        pixels_in, blocks_in, mix_in, latent_out: of the encoder.
        received_in, mix_out, coefficients_out: of the decoder, at 1/16 of the resolution.
        pyramid_out, rough_in, last, pixels_out: of the decoder, back to pixels.
    """

    pixels_in: Pyramid
    blocks_in: Dense
    mix_in: Residuals
    latent_out: nn.Linear
    received_in: Dense
    mix_out: Residuals
    coefficients_out: nn.Linear
    pyramid_out: Pyramid
    rough_in: nn.Conv2d
    last: Residuals
    pixels_out: nn.ConvTranspose2d

    def encoder_residual(self, inputs: NetworkInputs, outer: Blocks) -> Blocks:
        """Compute the encoder's residual from the pixels and from their blocks."""
        columns, link = inputs.columns, inputs.link()
        features = self.pixels_in(inputs.transform.to_pixels(outer, columns) - 0.5, link)
        features = self.mix_in(features + as_grid(self.blocks_in(inputs.at_encoder(outer)), columns), link)
        return self.latent_out(F.silu(as_blocks(features))).float()

    def decoder_refine(self, inputs: NetworkInputs, observation: LmmseObservation) -> Images:
        """Correct the coefficients with one branch, then the pixels with the other."""
        link = inputs.link_at_receiver()
        features = self.mix_out(as_grid(self.received_in(inputs.at_decoder(observation)), inputs.columns), link)
        correction = self.coefficients_out(F.silu(as_blocks(features))).float()
        rough, spread = inputs.rough_picture(observation, correction)
        fine = self.last(self.pyramid_out(features, link) + self.rough_in(network_input(rough, spread)), link)
        return rough + self.pixels_out(F.silu(fine)).float() * spread * observation.weight[..., None]


class AdaptiveLinear(BlockCode):
    """See the module's docstring; any bandwidth ratio up to 1/2, encoding and side information of `linear`.

    Args:
        width: features after the first stage, doubled by the second and the third.
        deepest: features at 1/16 of the resolution.
        conditioning: `film`, or the report's `gate`.
        classes: of the linear code it starts from.
    """

    kind: ClassVar[str] = "adaptive_linear"
    starts_from = ("linear",)
    # Its stages at 1/16 of the resolution have one place for a block: a picture of a single block is all padding.
    trained = TrainedRange(ratio=(1 / 32, 1 / 4), least_blocks=2)

    def __init__(
        self, width: int = 16, deepest: int = 192, conditioning: Conditioning = "film", classes: int = 16
    ) -> None:
        super().__init__(classes)
        self.config = {"width": width, "deepest": deepest, "conditioning": conditioning, "classes": classes}
        if width < 1 or deepest < 1 or conditioning not in get_args(Conditioning):
            raise UsageError(f"adaptive_linear takes no width {width}, deepest {deepest} and {conditioning!r}")
        values = len(self.mean)
        widths = (width, 2 * width, 4 * width, deepest)
        residuals = FilmResiduals if conditioning == "film" else GatedResiduals
        self.pixels_in = downwards((3, *widths), LINK, conditioning)
        self.blocks_in = Dense(values_at_encoder(values, classes), deepest)
        self.mix_in = residuals(deepest, LINK)
        self.latent_out = zeroed(Dense(deepest, values))
        self.received_in = Dense(values_at_decoder(values, classes), deepest)
        self.mix_out = residuals(deepest, LINK_AT_RECEIVER)
        self.coefficients_out = zeroed(Dense(deepest, values))
        self.pyramid_out = upwards(widths[::-1], LINK_AT_RECEIVER, conditioning)
        self.rough_in = nn.Conv2d(6, width, 5, stride=2, padding=2)
        self.last = residuals(width, LINK_AT_RECEIVER)
        self.pixels_out = zeroed(nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1))
        self.halo = -(-HALO_PIXELS // BLOCK)

    @property
    def networks(self) -> AdaptiveNetworks:
        """The three branches."""
        return AdaptiveNetworks(
            pixels_in=self.pixels_in,
            blocks_in=self.blocks_in,
            mix_in=self.mix_in,
            latent_out=self.latent_out,
            received_in=self.received_in,
            mix_out=self.mix_out,
            coefficients_out=self.coefficients_out,
            pyramid_out=self.pyramid_out,
            rough_in=self.rough_in,
            last=self.last,
            pixels_out=self.pixels_out,
        )
