"""The networks of `universal`: trunks of residual blocks over the blocks of a picture, and a clean-up of its pixels.

Both trunks work at 1/8 resolution inside; the clean-up follows at the receiver. All begin at zero. The decoder is told
the noise variance of every symbol; one that was not sent is one received with infinite variance.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.layers.products import Dense
from deepjscc.layers.residual import ConditionedResidual, Features, zeroed
from deepjscc.models.block_code.closed_form import LmmseObservation
from deepjscc.models.block_code.network_inputs import NetworkInputs, as_blocks, as_grid, network_input
from deepjscc.models.block_code.networks import BLOCK
from deepjscc.models.block_code.transform import Blocks
from deepjscc.types import Images

CONDITION = 64
Halved = Float[Tensor, "batch features half_rows half_columns"]


class Trunk(nn.Module):
    """Blocks of 16x16 pixels in, residual blocks at 1/8 resolution, blocks out.

    Args:
        inputs: features of a block.
        width: features at 1/8 resolution.
        depth: number of residual blocks.
        condition: numbers that describe the link.
        outputs: values of a block, 0 at first.
    """

    def __init__(self, inputs: int, width: int, depth: int, condition: int, outputs: int) -> None:
        super().__init__()
        self.enter = Dense(inputs, 4 * width)
        self.condition = nn.Sequential(nn.Linear(condition, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.blocks = nn.ModuleList(ConditionedResidual(width, CONDITION) for _ in range(depth))
        self.leave = zeroed(Dense(4 * width, outputs))

    def forward(
        self, blocks: Float[Tensor, "batch blocks inputs"], condition: Float[Tensor, "batch link"], columns: int
    ) -> Float[Tensor, "batch blocks outputs"]:
        """Transform blocks in raster order, of which ``columns`` lie in a row."""
        features, condition_features = self.begin(blocks, condition, columns)
        for block in self.blocks:
            features = block(features, condition_features)
        return self.end(features)

    def begin(
        self, blocks: Float[Tensor, "batch blocks inputs"], condition: Float[Tensor, "batch link"], columns: int
    ) -> tuple[Features, Float[Tensor, "batch condition"]]:
        """Return the features that the residual blocks begin with, and the features of the link that condition them."""
        return F.pixel_shuffle(as_grid(self.enter(blocks), columns), 2), F.silu(self.condition(condition))

    def end(self, features: Features) -> Float[Tensor, "batch blocks outputs"]:
        """Turn the features behind the residual blocks into the values of blocks."""
        return self.leave(F.silu(as_blocks(F.pixel_unshuffle(features, 2))))


class CleanUp(nn.Module):
    """A few convolutions at half resolution over the picture and its expected error; 0 at first.

    Args:
        width: features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, width, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            zeroed(nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1)),
        )

    def forward(self, images: Images, deviation: Images) -> Images:
        """A correction in units of the expected deviation of every pixel value."""
        return self.end(self.begin(images, deviation))

    def begin(self, images: Images, deviation: Images) -> Halved:
        """Features at half resolution."""
        return self.layers[:-1](network_input(images, deviation))

    def end(self, features: Halved) -> Images:
        """The correction that they make."""
        return self.layers[-1](features)


@dataclass(frozen=True)
class TrunkNetworks:
    """The networks of both ends of `universal`.

    Attributes:
        encoder: what it makes of a block is added to its coefficients.
        decoder: corrects the LMMSE estimate of the coefficients.
        clean_up: corrects the pixels.
    """

    encoder: Trunk
    decoder: Trunk
    clean_up: CleanUp

    def encoder_residual(self, inputs: NetworkInputs, outer: Blocks) -> Blocks:
        """Compute the encoder's residual from the blocks."""
        return self.encoder(inputs.at_encoder(outer), inputs.link(), inputs.columns).float()

    def decoder_refine(self, inputs: NetworkInputs, observation: LmmseObservation) -> Images:
        """Correct the coefficients with the decoder's trunk, then the pixels with the clean-up."""
        correction = self.decoder(inputs.at_decoder(observation), inputs.link_at_receiver(), inputs.columns).float()
        rough, spread = inputs.rough_picture(observation, correction)
        return rough + self.clean_up(rough, spread).float() * spread * observation.weight[..., None]


def halo_of(encoder_depth: int, decoder_depth: int) -> int:
    """Rows of blocks that trunks of these depths and the clean-up reach."""
    # A 3x3 convolution at 1/8 resolution reaches 8 pixels; the clean-up 6 positions at half resolution.
    return -(-max(2 * encoder_depth * 8, 2 * decoder_depth * 8 + 16) // BLOCK)
