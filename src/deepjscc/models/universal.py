"""`universal`: the block-adaptive linear code with networks around it. One model for every SNR, ratio and channel.

The encoder adds what a network makes of the image to the coefficients that `linear` would send (and to those it would
leave silent); the decoder adds what a network makes of everything received to the LMMSE estimate, in units of each
coefficient's posterior deviation, and cleans up the picture. The networks begin at zero, where the
code *is* `linear`. The decoder is told the noise variance of every symbol; one that was not sent is one received with
infinite variance.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.blocks.residual import ConditionedResidual, zeroed
from deepjscc.models.allocation import ByClass
from deepjscc.models.linear import Blocks, Linear
from deepjscc.models.rows import Strip
from deepjscc.models.side_info import Heard, Plan, told_noise
from deepjscc.types import Images

STRONGEST = 256  # coefficients that the networks also see on the scale of all photographs, not of their class
GROUPS = 64  # of neighbouring coefficients, over which powers and uncertainties are averaged for the networks
SNR_RANGE = (-8.0, 24.0)  # of the SNRs planned for that the networks are told: what they are trained on
BLOCK = 16  # side of the blocks, four positions at 1/8 resolution
CONDITION = 64
SPREAD_FLOOR = 1e-4  # variance below which coefficients are not blown up on the way into a network
LARGEST = 10.0  # value that goes into a network


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
        self.enter = nn.Linear(inputs, 4 * width)
        self.condition = nn.Sequential(nn.Linear(condition, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.blocks = nn.ModuleList(ConditionedResidual(width, CONDITION) for _ in range(depth))
        self.leave = zeroed(nn.Linear(4 * width, outputs))

    def forward(
        self, blocks: Float[Tensor, "batch blocks inputs"], condition: Float[Tensor, "batch told"], columns: int
    ) -> Float[Tensor, "batch blocks outputs"]:
        """Blocks in raster order, ``columns`` a row."""
        told = F.silu(self.condition(condition))
        features = F.pixel_shuffle(self.enter(blocks).unflatten(1, (-1, columns)).movedim(3, 1), 2)
        for block in self.blocks:
            features = block(features, told)
        return self.leave(F.silu(F.pixel_unshuffle(features, 2).movedim(1, 3).flatten(1, 2)))


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
        return self.layers(torch.cat([images - 0.5, deviation.clamp_min(1e-3).log() / 3 + 1], 1))


class Universal(Linear):
    """See the module's docstring; encoding, side information and strips are those of `linear`.

    Args:
        width: features at 1/8 resolution.
        encoder_depth, decoder_depth: residual blocks on either side.
        clean_width: features of the clean-up at half resolution.
        classes: of the linear code it starts from.
    """

    kind: ClassVar[str] = "universal"

    def __init__(
        self,
        width: int = 96,
        encoder_depth: int = 3,
        decoder_depth: int = 5,
        clean_width: int = 24,
        classes: int = 16,
    ) -> None:
        super().__init__(BLOCK, classes)
        self.config = {
            "classes": classes,
            "width": width,
            "encoder_depth": encoder_depth,
            "decoder_depth": decoder_depth,
            "clean_width": clean_width,
        }
        values, described = len(self.mean), 2 * GROUPS + classes + 1
        self.encoder = Trunk(values + STRONGEST + described, width, encoder_depth, 2, values)
        self.decoder = Trunk(values + STRONGEST + GROUPS + described, width, decoder_depth, 4, values)
        self.clean_up = CleanUp(clean_width)
        # A 3x3 convolution at 1/8 resolution reaches 8 pixels; the clean-up 6 positions at half resolution.
        self.halo = -(-max(2 * encoder_depth * 8, 2 * decoder_depth * 8 + 16) // BLOCK)

    def modulate(self, outer: Blocks, plan: Plan, strip: Strip) -> Float[Tensor, "batch run values"]:
        """The linear latent and what the encoder's network adds to it."""
        columns = plan.grid[1]
        classes = plan.allocation.classes[:, strip.outer_first * columns : strip.outer_last * columns]
        own = (self.variances[classes] + SPREAD_FLOOR).rsqrt()
        overall = (self.variances[-1, :STRONGEST] + SPREAD_FLOOR).rsqrt()
        seen = torch.cat(
            [
                (outer * own).clamp(-LARGEST, LARGEST),
                (outer[..., :STRONGEST] * overall).clamp(-LARGEST, LARGEST),
                self._described(plan, strip),
            ],
            2,
        )
        added = self.encoder(seen, self._link(plan), columns).float()
        skipped, blocks = (strip.first - strip.outer_first) * columns, (strip.last - strip.first) * columns
        return super().modulate(outer, plan, strip) + added[:, skipped : skipped + blocks]

    def synthesise_strip(self, observed: Blocks, noise: Blocks, heard: Heard, plan: Plan, strip: Strip) -> Images:
        """The LMMSE estimate and what the decoder's networks add to it."""
        columns = plan.grid[1]
        run = (strip.outer_first * columns, strip.outer_last * columns)
        # Beside noise there is what the encoder's network added: trusted more than planned for, it would stay.
        least = plan.least_noise()[:, None, None]
        noise = noise.maximum(least)
        estimate, error = self.lmmse(observed, noise, heard, plan, strip)
        variance = self.variances[plan.allocation.classes[:, run[0] : run[1]]]
        power = plan.allocation.of_blocks(plan.allocation.scale, *run).square() * variance
        bounded = told_noise(noise, least)
        overall = (self.variances[-1, :STRONGEST] + SPREAD_FLOOR).rsqrt()
        left = error * heard.gain[:, None, None].square() / variance
        seen = torch.cat(
            [
                (observed * (power + bounded + 0.3).rsqrt()).clamp(-LARGEST, LARGEST),
                (estimate[..., :STRONGEST] * overall).clamp(-LARGEST, LARGEST),
                _grouped(left),
                self._described(plan, strip),
            ],
            2,
        )
        told = torch.stack([heard.gain.log2().clamp(-2, 2), heard.noise_level / 2], 1)
        added = self.decoder(seen, torch.cat([self._link(plan), told], 1), columns).float()
        with torch.autocast(observed.device.type, enabled=False):
            rough = self.to_pixels(estimate + added * error.sqrt() * heard.known[:, None, None], columns)
            spread = self.from_blocks(error @ self.basis.square().T, columns).clamp_min(0).sqrt()
        # The networks have not learned to read a stream without its map.
        known = heard.known[:, None, None, None]
        images = rough + self.clean_up(rough, spread).float() * spread * known
        top = (strip.first - strip.outer_first) * self.stride
        return images[:, :, top : top + (strip.last - strip.first) * self.stride]

    def _described(self, plan: Plan, strip: Strip) -> Blocks:
        """Of every block what both ends know: its class, and how strongly and how surely it is sent."""
        allocation, columns = plan.allocation, plan.grid[1]
        kinds = len(self.deviation)
        power = (allocation.scale.square() * self.variances).log1p()
        sent = (allocation.count > 0).to(power)
        kind = torch.eye(kinds, device=power.device).expand(len(power), -1, -1)
        by_class = torch.cat([_grouped(power), _grouped(sent), kind], 2)
        return allocation.of_blocks(by_class, strip.outer_first * columns, strip.outer_last * columns)

    def _link(self, plan: Plan) -> Float[Tensor, "batch 2"]:
        """What both ends know of the link, about between -1 and 1: the SNR planned for and the reals a value."""
        values = plan.allocation.classes.shape[1] * len(self.mean)
        return torch.stack(
            [(plan.snr_db.clamp(*SNR_RANGE) - 7) / 10, (plan.allocation.reals / values).log2() / 4 + 0.5], 1
        )


def _grouped(values: ByClass) -> Float[Tensor, "batch rows groups"]:
    """Averages over groups of neighbouring coefficients."""
    return values.unflatten(2, (GROUPS, -1)).mean(3)
