"""Fitting `linear` to photographs: mean, KLT basis, classes of blocks and how they lie beside one another."""

from collections.abc import Callable, Iterator

import torch

from deepjscc.data import ImageSet
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.models.block_code.class_map import contexts
from deepjscc.models.linear import Linear
from deepjscc.types import Images

VARIANCE_FLOOR = 1e-9  # of the 1e-5 or so that 8-bit rounding leaves in the weakest coefficient
ROUNDS = 25
MOST_BLOCKS = 500_000  # from which classes are learned, evenly spread: 1.5 GB of coefficients
FEWEST = 200  # blocks that a class needs for its variances to be learned anew


def fit_linear(
    data: ImageSet,
    block: int = 16,
    classes: int = 16,
    on_progress: Callable[[int, int], object] = lambda done, of: None,
) -> Linear:
    """Learn the closed-form code from photographs.

    The basis is the KLT of all blocks, their mirror images and transposes counting alike. The classes are a mixture of
    zero-mean Gaussians with independent coefficients, fitted by classification EM (Celeux & Govaert 1992) from
    quantiles of the block's energy.

    Args:
        data: 8-bit pictures; rows and columns beyond a multiple of the block are left out.
        block: side of the blocks in pixels.
        classes: of blocks.
        on_progress: called with passes over the pictures done and to do.

    Raises:
        UsageError: no picture is as large as a block, or there are fewer blocks than classes.
    """
    model = Linear(block, classes)
    blocks = _fit_basis(model, data)
    if blocks == 0:
        raise UsageError(f"none of the pictures holds a block of {block}x{block} pixels; give larger ones")
    on_progress(1, ROUNDS + 2)
    every = -(-blocks // MOST_BLOCKS)
    squared = torch.cat(
        [model.transform.coefficients(picture)[0, ::every].square() for picture in _whole_blocks(data, block)]
    )
    if len(squared) < classes:
        raise UsageError(f"{len(squared)} blocks are too few for {classes} classes; give more photographs")
    variances = squared.mean(0).expand(classes + 1, -1).clone()
    likeliest = squared[:, 1:].sum(1).argsort().argsort() * classes // len(squared)
    for round_ in range(ROUNDS):
        for kind in range(classes):
            members = likeliest == kind
            if members.sum() >= min(FEWEST, len(squared) // classes):
                variances[kind] = squared[members].mean(0)
        model.deviation.copy_(variances.clamp_min(VARIANCE_FLOOR).sqrt())
        model.neighbours.copy_((torch.bincount(likeliest, minlength=classes) + 1.0).log().expand_as(model.neighbours))
        likeliest = model.tables.classify(squared[None])[0]
        on_progress(2 + round_, ROUNDS + 2)
    _count_neighbours(model, data)
    on_progress(ROUNDS + 2, ROUNDS + 2)
    return model.eval()


def _whole_blocks(data: ImageSet, block: int) -> Iterator[Images]:
    """Yield one picture after another, cut to whole blocks; memory holds one at a time."""
    for index in range(len(data)):
        image = to_float(data[index])
        height, width = (side // block * block for side in image.shape[2:])
        if height and width:
            yield image[:, :, :height, :width]


def _fit_basis(model: Linear, data: ImageSet) -> int:
    """Fit the mean and the KLT, and return the number of blocks seen."""
    values = len(model.mean)
    first, second, count = torch.zeros(values).double(), torch.zeros(values, values).double(), 0
    for picture in _whole_blocks(data, model.stride):
        blocks = model.transform.to_blocks(picture)[0] - 0.5
        first += blocks.sum(0)
        second += blocks.T @ blocks
        count += len(blocks)
    if count:
        first, second = _symmetrise(first / count, second / count, model.stride)
        _, basis = torch.linalg.eigh(second - torch.outer(first, first))
        model.mean.copy_(first + 0.5)
        model.basis.copy_(basis.flip(1))
    return count


def _symmetrise(first: torch.Tensor, second: torch.Tensor, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Average the moments over the eight symmetries of a square block."""
    places = torch.arange(3 * block * block).reshape(3, block, block)
    turned = [places, places.flip(1), places.flip(2), places.flip(1, 2)]
    orders = [order.flatten() for square in turned for order in (square, square.transpose(1, 2))]
    mean = torch.stack([first[order] for order in orders]).mean(0)
    return mean, torch.stack([second[order][:, order] for order in orders]).mean(0)


def _count_neighbours(model: Linear, data: ImageSet) -> None:
    """Count how often each class follows its left and upper neighbours, with pictures also mirrored and transposed."""
    kinds = model.classes
    seen = torch.zeros((kinds + 1) ** 2 * kinds)
    for picture in _whole_blocks(data, model.stride):
        columns = picture.shape[3] // model.stride
        grid = model.tables.classify(model.transform.coefficients(picture).square()).view(-1, columns)
        for square in (grid, grid.T):
            for turned in (square, square.flip(0), square.flip(1), square.flip(0, 1)):
                index = contexts(turned, kinds) * kinds + turned
                seen += torch.bincount(index.flatten(), minlength=len(seen))
    seen = seen.view(-1, kinds)
    # Contexts seen rarely lean on how frequent the classes are anywhere.
    model.neighbours.copy_((seen + 4 * (seen.sum(0) + 1) / (seen.sum() + kinds)).log())
