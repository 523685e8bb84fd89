"""Fitting `linear`: mean, KLT basis and variances from photographs, in one pass."""

from collections.abc import Callable, Iterable

import torch

from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.models.linear import Linear
from deepjscc.types import Image8

VARIANCE_FLOOR = 1e-9  # of the 1e-5 or so that 8-bit rounding leaves in the weakest coefficient


def fit_linear(images: Iterable[Image8], block: int = 16, say: Callable[[int], object] = lambda _: None) -> Linear:
    """Learn the linear code from photographs; every block, its mirror images and its transposes count alike.

    Args:
        images: 8-bit pictures; rows and columns beyond a multiple of the block are left out.
        block: side of the blocks in pixels.
        say: called with the number of pictures seen after each.

    Raises:
        UsageError: no picture is as large as a block.
    """
    model = Linear(block)
    values = len(model.mean)
    first, second, count = torch.zeros(values).double(), torch.zeros(values, values).double(), 0
    for index, image in enumerate(images):
        height, width = (side // block * block for side in image.shape[1:])
        if height and width:
            blocks = model.to_blocks(to_float(image)[0, :, :height, :width]) - 0.5
            first += blocks.sum(0)
            second += blocks.T @ blocks
            count += len(blocks)
        say(index + 1)
    if count == 0:
        raise UsageError(f"none of the pictures holds a block of {block}x{block} pixels; give larger ones")
    first, second = first / count, second / count
    first, second = _symmetrise(first, second, block)
    variance, basis = torch.linalg.eigh(second - torch.outer(first, first))
    model.mean.copy_(first + 0.5)
    model.basis.copy_(basis.flip(1))
    model.deviation.copy_(variance.flip(0).clamp_min(VARIANCE_FLOOR).sqrt())
    return model.eval()


def _symmetrise(first: torch.Tensor, second: torch.Tensor, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Average the moments over the eight symmetries of a square block."""
    places = torch.arange(3 * block * block).reshape(3, block, block)
    turned = [places, places.flip(1), places.flip(2), places.flip(1, 2)]
    orders = [order.flatten() for square in turned for order in (square, square.transpose(1, 2))]
    mean = torch.stack([first[order] for order in orders]).mean(0)
    return mean, torch.stack([second[order][:, order] for order in orders]).mean(0)
