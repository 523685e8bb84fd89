"""The block-adaptive linear code with networks around it: what `universal` and other models that start there share.

The encoder adds what a network makes of the image to the coefficients that `linear` would send (and to those it would
leave silent); the decoder adds what a network makes of everything received to the LMMSE estimate, in units of the
posterior deviation of what it corrects. Networks that end in zeros make the code `linear`.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.layers.products import linear
from deepjscc.models.block_code.allocation import ByClass
from deepjscc.models.block_code.side_info import NOISE_RANGE, BlockPlan, DecodedSideInfo, clamp_noise_variance
from deepjscc.models.block_code.tiling import Strip
from deepjscc.models.linear import Blocks, Linear
from deepjscc.types import Images

BLOCK = 16  # side of the blocks
STRONGEST = 256  # coefficients that the networks also see on the scale of all photographs, not of their class
GROUPS = 64  # of neighbouring coefficients, over which powers and uncertainties are averaged for the networks
SNR_RANGE = (-8.0, 24.0)  # of the SNRs planned for that enter a network
TRAINED_SNR_DB = (-6.0, 22.0)  # SNRs planned for in training
TRAINED_RATIO = (1 / 96, 1 / 4)  # bandwidth ratios in training, side information included
SNR_SLACK_DB = 2.0  # beyond the trained SNRs in which the networks are still used as they are
SNR_FADE_DB = 6.0  # beyond that slack, over which their weight falls from 1 to 0
RATIO_SLACK = 1.0  # octaves below the trained ratios that side information may leave to the symbols
RATIO_FADE = 2 / 3  # octaves beyond which the weight falls from 1 to 0
SPREAD_FLOOR = 1e-4  # variance below which coefficients are not blown up on the way into a network
LARGEST = 10.0  # value that goes into a network
LINK, LINK_AT_RECEIVER = 2, 4  # numbers that describe the link to the transmitter's networks and to the receiver's


@dataclass(frozen=True)
class LmmseObservation:
    """What a receiver knows of the coefficients of a strip and its halo, before any network.

    Attributes:
        observed: y = scale · c + n; 0 of what was not sent.
        noise: variance of n; infinite of what was not sent.
        scale: by which the transmitter multiplied each coefficient.
        estimate: LMMSE.
        error: variance of its error.
        weight: of the networks' corrections, see :meth:`Branched.network_weight`; 0 for an image whose map was lost,
            whose stream they have not learned to read.
    """

    observed: Blocks
    noise: Blocks
    scale: Blocks
    estimate: Blocks
    error: Blocks
    weight: Float[Tensor, "batch 1 1"]


class Branched(Linear):
    """The linear code with networks around it.

    A subclass writes :meth:`encoder_residual` and :meth:`decoder_refine` and sets ``halo`` to the rows of
    blocks that they reach. Beyond the SNRs and ratios of training the networks fade out, and what is left is `linear`.

    Args:
        classes: of the linear code it starts from.

    Attributes:
        trained_snr_db: lowest and highest SNR planned for in training.
        trained_ratio: lowest and highest bandwidth ratio in training.
        least_blocks: blocks of a picture below which the networks stay out, as they see little but padding.
    """

    trained_snr_db: tuple[float, float] = TRAINED_SNR_DB
    trained_ratio: tuple[float, float] = TRAINED_RATIO
    least_blocks: int = 1

    def __init__(self, classes: int) -> None:
        super().__init__(BLOCK, classes)
        self.described = 2 * GROUPS + classes + 1
        self.coefficients_seen = len(self.mean) + STRONGEST

    def encoder_residual(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Blocks:
        """What the encoder adds to the latent of a strip and its halo, of which the halo's is not used."""
        raise NotImplementedError

    def decoder_refine(
        self, observation: LmmseObservation, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Images:
        """Pixels of a strip and its halo, of which the halo's are not used."""
        raise NotImplementedError

    def modulate(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Float[Tensor, "batch run values"]:
        """The linear latent and what the encoder's network adds to it."""
        columns = plan.grid[1]
        skipped, blocks = (strip.first - strip.outer_first) * columns, (strip.last - strip.first) * columns
        added = self.encoder_residual(outer, plan, strip)[:, skipped : skipped + blocks]
        return super().modulate(outer, plan, strip) + self.network_weight(plan)[:, None, None] * added

    def synthesise_strip(
        self, observed: Blocks, noise: Blocks, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Images:
        """The LMMSE estimate and what the decoder's networks make of it."""
        # Beside noise there is what the encoder's network added: trusted more than planned for, it would stay.
        weight = self.network_weight(plan)
        noise = noise.maximum((weight * plan.least_noise())[:, None, None])
        estimate, error = self.lmmse(observed, noise, side_info, plan, strip)
        run = (strip.outer_first * plan.grid[1], strip.outer_last * plan.grid[1])
        scale = plan.allocation.of_blocks(plan.allocation.scale, *run) * side_info.gain[:, None, None]
        weight = (weight * side_info.known)[:, None, None]
        images = self.decoder_refine(
            LmmseObservation(observed, noise, scale, estimate, error, weight), side_info, plan, strip
        )
        top = (strip.first - strip.outer_first) * self.stride
        return images[:, :, top : top + (strip.last - strip.first) * self.stride]

    def seen_by_encoder(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Float[Tensor, "batch blocks seen"]:
        """Of every block its coefficients, on the scale of their class and on that of all photographs."""
        own = (self._variance(plan, strip) + SPREAD_FLOOR).rsqrt()
        return torch.cat([(outer * own).clamp(-LARGEST, LARGEST), self._on_scale_of_all(outer)], 2)

    def seen_by_decoder(
        self, observation: LmmseObservation, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Float[Tensor, "batch blocks seen"]:
        """Of every block what came, the estimate of it and how much of the variance is left, in groups."""
        variance = self._variance(plan, strip)
        run = (strip.outer_first * plan.grid[1], strip.outer_last * plan.grid[1])
        power = plan.allocation.of_blocks(plan.allocation.scale, *run).square() * variance
        bounded = clamp_noise_variance(observation.noise, plan.least_noise()[:, None, None])
        return torch.cat(
            [
                (observation.observed * (power + bounded + 0.3).rsqrt()).clamp(-LARGEST, LARGEST),
                self._on_scale_of_all(observation.estimate),
                grouped(observation.error * side_info.gain[:, None, None].square() / variance),
            ],
            2,
        )

    def describe(self, plan: BlockPlan, strip: Strip) -> Blocks:
        """Of every block what both ends know: its class, and how strongly and how surely it is sent."""
        allocation, columns = plan.allocation, plan.grid[1]
        kinds = len(self.deviation)
        power = (allocation.scale.square() * self.variances).log1p()
        sent = (allocation.count > 0).to(power)
        kind = torch.eye(kinds, device=power.device).expand(power.shape[0], -1, -1)
        by_class = torch.cat([grouped(power), grouped(sent), kind], 2)
        return allocation.of_blocks(by_class, strip.outer_first * columns, strip.outer_last * columns)

    def network_weight(self, plan: BlockPlan) -> Float[Tensor, " batch"]:
        """Weight of what the networks add: 1 within the SNRs and ratios of training, falling to 0 beyond.

        Both ends compute it from the header and the number of symbols.
        """
        low, high = self.trained_snr_db
        snr_beyond = ((low - plan.snr_db).maximum(plan.snr_db - high) - SNR_SLACK_DB) / SNR_FADE_DB
        octaves = self._ratio(plan).log2()
        low, high = (math.log2(ratio) for ratio in self.trained_ratio)
        ratio_beyond = (low - RATIO_SLACK - octaves).maximum(octaves - high) / RATIO_FADE
        large = torch.ones_like(octaves) * (
            plan.allocation.classes.shape[1] // self.least_blocks
        )  # no branch: exported
        return (1 - snr_beyond).clamp(0, 1) * (1 - ratio_beyond).clamp(0, 1) * large.clamp_max(1)

    def link(self, plan: BlockPlan) -> Float[Tensor, "batch 2"]:
        """What both ends know of the link, about between -1 and 1: the SNR planned for and the reals a value.

        Both are clamped to what the networks met in training.
        """
        snr_db = plan.snr_db.clamp(*SNR_RANGE)
        reals_a_value = 2 * self._ratio(plan).clamp(self.trained_ratio[0] / 2**RATIO_SLACK, self.trained_ratio[1])
        return torch.stack([(snr_db - 7) / 10, reals_a_value.log2() / 4 + 0.5], 1)

    def link_at_receiver(self, plan: BlockPlan, side_info: DecodedSideInfo) -> Float[Tensor, "batch 4"]:
        """What the receiver knows of the link beside: the power gain and the level of the noise, clamped likewise."""
        least, most = (math.log10(noise) for noise in NOISE_RANGE)
        lowest = (
            most - (most - least) * 2 * self.trained_ratio[1]
        )  # all symbols of the highest ratio, at the least noise
        received_link = torch.stack(
            [side_info.gain.log2().clamp(-2, 2), side_info.noise_level.clamp_min(lowest) / 2], 1
        )
        return torch.cat([self.link(plan), received_link], 1)

    def _ratio(self, plan: BlockPlan) -> Float[Tensor, " batch"]:
        """Complex symbols for each value of the padded image, side information aside."""
        return plan.allocation.reals / (2 * plan.allocation.classes.shape[1] * len(self.mean))

    def rough_picture(self, observation: LmmseObservation, correction: Blocks, columns: int) -> tuple[Images, Images]:
        """The picture of the corrected coefficients, and the expected deviation of its pixel values.

        Args:
            observation: of the coefficients.
            correction: in units of the deviation of each.
            columns: blocks a row.
        """
        rough = self.to_pixels(
            observation.estimate + correction * observation.error.sqrt() * observation.weight, columns
        )
        return rough, self.deviation_of_pixels(observation.error, columns)

    def deviation_of_pixels(self, error: Blocks, columns: int) -> Images:
        """Standard deviation of every pixel value, from the error variances of the coefficients."""
        with torch.autocast(error.device.type, enabled=False):
            return self.from_blocks(linear(error, self.basis.square()), columns).clamp_min(0).sqrt()

    def _variance(self, plan: BlockPlan, strip: Strip) -> Blocks:
        columns = plan.grid[1]
        return self.variances[plan.allocation.classes[:, strip.outer_first * columns : strip.outer_last * columns]]

    def _on_scale_of_all(self, coefficients: Blocks) -> Float[Tensor, "batch blocks strongest"]:
        overall = (self.variances[-1, :STRONGEST] + SPREAD_FLOOR).rsqrt()
        return (coefficients[..., :STRONGEST] * overall).clamp(-LARGEST, LARGEST)


def grouped(values: ByClass) -> Float[Tensor, "batch rows groups"]:
    """Averages over groups of neighbouring coefficients."""
    return values.unflatten(2, (GROUPS, -1)).mean(3)


def as_grid(blocks: Blocks, columns: int) -> Float[Tensor, "batch values rows columns"]:
    """Values of blocks in raster order, ``columns`` a row, as features of a picture."""
    return blocks.unflatten(1, (-1, columns)).movedim(3, 1)


def as_blocks(features: Float[Tensor, "batch values rows columns"]) -> Blocks:
    """Undo :func:`as_grid`."""
    return features.movedim(1, 3).flatten(1, 2)


def network_input(images: Images, deviation: Images) -> Float[Tensor, "batch 6 height width"]:
    """A picture and the expected deviation of its pixels, about -1 to 1, as networks take them in.

    Colours last in memory: with as few features as networks have at this resolution that is twice as fast.
    """
    seen = torch.cat([images - 0.5, deviation.clamp_min(1e-3).log() / 3 + 1], 1)
    return seen.contiguous(memory_format=torch.channels_last)
