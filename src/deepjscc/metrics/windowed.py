"""The arithmetic of SSIM: Gaussian windows over five maps, strip by strip so that a strip stays in the cache.

A window of 11 taps is separable; each direction is one product with a banded matrix, which processors do far faster
than a convolution of one feature. Planes (of all images and colours) lie as ``[height, planes, width]``, so that a
strip of all of them is one piece of memory.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from deepjscc.layers.products import linear

Planes = Float[Tensor, "height planes width"]  #: values from 0 to 255

SIGMA = 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
STRIP, BLOCK = 16, 16  # rows and columns worked on together: more means longer bands, fewer means smaller products


def to_planes(images: Float[Tensor, "batch 3 height width"]) -> Planes:
    """Make every colour of every image a plane of its own."""
    return images.flatten(0, 1).transpose(0, 1).contiguous()


@torch.no_grad()
def similarity(ours: Planes, theirs: Planes, window: int) -> tuple[Float[Tensor, " planes"], Float[Tensor, " planes"]]:
    """Means over all places of the windows of SSIM, and of its contrast-structure part (Wang et al. 2004, eq. 13).

    With the sums of squares of both images in one map, as only their sum is in the formula.
    """
    height, planes, width = ours.shape
    rows, columns = height - window + 1, width - window + 1
    blocks = -(-columns // BLOCK)
    across = blocks * BLOCK + window - 1  # whole blocks: zeros beyond the image, cut off again below
    down, along = (_band(window, outputs).to(ours).T.contiguous() for outputs in (STRIP, BLOCK))
    maps = ours.new_zeros(STRIP + window - 1, 4, planes, across)
    total, contrast = (ours.new_zeros(planes, dtype=torch.float64) for _ in range(2))
    for top in range(0, rows, STRIP):
        here = min(STRIP, rows - top)
        x, y = (image[top : top + here + window - 1] for image in (ours, theirs))
        both = maps[: len(x)]
        values = both[..., :width]
        values[:, 0], values[:, 1] = x, y
        torch.mul(x, x, out=values[:, 2]).addcmul_(y, y)
        torch.mul(x, y, out=values[:, 3])
        tall = linear(down[:here, : len(x)], both.view(len(x), -1).T)
        overlapping = tall.as_strided(
            (4, planes, here, blocks, BLOCK + window - 1), (planes * across, across, 4 * planes * across, BLOCK, 1)
        )
        means = linear(overlapping.reshape(-1, BLOCK + window - 1), along).view(4, planes, here, blocks * BLOCK)
        mean_x, mean_y, squares, products = means[..., :columns].unbind(0)
        mean_product = mean_x * mean_y
        mean_squares = mean_x.mul_(mean_x).addcmul_(mean_y, mean_y)
        structure = products.sub_(mean_product).mul_(2).add_(C2).div_(squares.sub_(mean_squares).add_(C2))
        luminance = mean_product.mul_(2).add_(C1).div_(mean_squares.add_(C1))
        contrast += structure.sum((1, 2))
        total += luminance.mul_(structure).sum((1, 2))
    return total / (rows * columns), contrast / (rows * columns)


def halve(image: Planes) -> Float[Tensor, "half_height planes half_width"]:
    """Means of 2x2 pixels; where a side is odd, with a border of zeros as the reference implementations have it."""
    height, _, width = image.shape
    if height % 2 or width % 2:
        image = F.pad(image, (width % 2, width % 2, 0, 0, height % 2, height % 2))
    height, width = image.shape[0] // 2 * 2, image.shape[2] // 2 * 2
    pairs = image[0:height:2] + image[1:height:2]
    return (pairs[..., 0:width:2] + pairs[..., 1:width:2]).mul_(0.25)


def _band(window: int, outputs: int) -> Float[Tensor, "inputs outputs"]:
    """The matrix that filters ``outputs + window - 1`` values to ``outputs``."""
    places = torch.arange(window) - window // 2
    taps = torch.exp(-places.square() / (2 * SIGMA**2))
    taps = taps / taps.sum()
    band = torch.zeros(outputs + window - 1, outputs)
    for output in range(outputs):
        band[output : output + window, output] = taps
    return band
