"""The closed form of a block code: the transmitter scales coefficients, the LMMSE receiver estimates them."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from deepjscc.models.block_code.allocation import Variances
from deepjscc.models.block_code.side_info import BlockPlan, DecodedSideInfo
from deepjscc.models.block_code.tiling import Strip
from deepjscc.models.block_code.transform import Blocks


@dataclass(frozen=True)
class LmmseObservation:
    """The receiver's knowledge of the coefficients of a strip and its halo, before any network.

    Attributes:
        observed: y = scale · c + n; 0 of what was not sent.
        noise: variance of n; infinite of what was not sent.
        scale: by which the transmitter multiplied each coefficient.
        estimate: the LMMSE estimate of c.
        error: variance of its error.
        weight: of the networks' corrections, see :class:`deepjscc.models.block_code.networks.TrainedRange`; 0 for an
            image whose map was lost, whose stream they have not learned to read.
    """

    observed: Blocks
    noise: Blocks
    scale: Blocks
    estimate: Blocks
    error: Blocks
    weight: Float[Tensor, "batch 1 1"]


def inner_run(strip: Strip, columns: int) -> tuple[int, int]:
    """First block of a strip and the first behind it, in raster order."""
    return strip.first * columns, strip.last * columns


def outer_run(strip: Strip, columns: int) -> tuple[int, int]:
    """:func:`inner_run` of a strip with its halo."""
    return strip.outer_first * columns, strip.outer_last * columns


def without_halo(outer: Blocks, strip: Strip, columns: int) -> Float[Tensor, "batch run values"]:
    """The blocks of a strip out of those of the strip and its halo."""
    skipped = (strip.first - strip.outer_first) * columns
    return outer[:, skipped : skipped + (strip.last - strip.first) * columns]


def modulate(outer: Blocks, plan: BlockPlan, strip: Strip) -> Float[Tensor, "batch run values"]:
    """Scale the coefficients of a strip, given with its halo, to the strip's latent of any power."""
    columns = plan.grid[1]
    scale = plan.allocation.of_blocks(plan.allocation.scale, *inner_run(strip, columns))
    return without_halo(outer, strip, columns) * scale


def lmmse(
    observed: Blocks, noise: Blocks, side_info: DecodedSideInfo, variances: Variances, plan: BlockPlan, strip: Strip
) -> tuple[Blocks, Blocks]:
    """Estimate c of y = gain · scale · c + n, over a strip with its halo.

    An image whose latent was scaled by ``gain`` has coefficients of variance v / gain^2.

    Args:
        observed: y; 0 of what was not sent.
        noise: variance of n; infinite of what was not sent.
        side_info: the gain of each image.
        variances: v, of every coefficient in each class.
        plan: classes and scales.
        strip: which blocks these are.

    Returns:
        The estimate, and the variance of its error.
    """
    run = outer_run(strip, plan.grid[1])
    scale = plan.allocation.of_blocks(plan.allocation.scale, *run)
    variance = variances[plan.allocation.classes[:, run[0] : run[1]]]
    certain = scale / noise.clamp_min(1e-20)
    error = variance / (1 + variance * scale * certain)
    gain = side_info.gain[:, None, None]
    return observed * error * certain / gain, error / gain.square()
