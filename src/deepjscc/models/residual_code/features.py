"""What a block's class is derived from: local activity of the decoded base, in integers, so that both ends agree."""

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.nn import functional as F

from deepjscc.models.block_code.tiling import STRIP_PIXELS
from deepjscc.models.residual_code.transform import edge_rows

WINDOW = 16  # side in pixels of the neighbourhood that the second half of the features describes
Plane = Int[Tensor, "_rows _columns"]  # of any size: sums and differences change it


def block_features(base: UInt8[Tensor, "3 height width"], side: int) -> Int[Tensor, "blocks features"]:
    """Activity of the base in every block and around it.

    All sums are of integers and below 2^31, so that no processor rounds them differently.

    Args:
        base: decoded 8-bit picture; it is padded by its edges to whole windows of 16 pixels.
        side: of the blocks in pixels, a power of two from 4 to 16.

    Returns:
        Features of the blocks in raster order, over the picture padded to whole windows.
    """
    rows, columns = (-(-length // WINDOW) for length in base.shape[1:])
    together = max(1, STRIP_PIXELS // (columns * WINDOW**2))
    strips = []
    for first in range(0, rows, together):
        last = min(first + together, rows)
        # One window more above and below, as neighbours count as well, and below it the row that its last differs from.
        outer = edge_rows(base, (first - 1) * WINDOW, (last + 2) * WINDOW, columns * WINDOW)
        strips.append(_strip_features(outer.int(), side))
    return torch.cat(strips)


def _strip_features(picture: Int[Tensor, "3 height width"], side: int) -> Int[Tensor, "blocks features"]:
    """Features of a strip of windows, whose first and last two rows of windows are only neighbours."""
    red, green, blue = picture
    luma = red + 2 * green + blue
    across, down = _steps(luma, 1), _steps(luma, 0)
    activity = across + down
    pairs = _sums(luma, 2)
    chroma = [_sums(red - green, 2), _sums(blue - green, 2)]
    colour = sum(_steps(plane, axis) for plane in chroma for axis in (0, 1))
    assert isinstance(colour, Tensor)
    curvature = _curvature(luma)
    horizontal, vertical, total = (_sums(plane, side) for plane in (across, down, activity))
    quarter = _sums(activity, side // 2)
    quarters = torch.stack([quarter[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    block = [
        horizontal,
        vertical,
        _sums(curvature, side),
        _sums(_steps(pairs, 1), side // 2),
        _sums(_steps(pairs, 0), side // 2),
        _sums(colour, side // 2),
        quarters.amin(0),
        quarters.amax(0),
        _around(total),
        _sums(luma, side),
    ]
    fours = _sums(luma, 4)
    window = [
        _sums(activity, WINDOW),
        _sums(curvature, WINDOW),
        _sums(colour, WINDOW // 2),
        _around(_sums(activity, WINDOW)),
        _sums(_steps(fours, 1) + _steps(fours, 0), WINDOW // 4),
    ]
    repeat = WINDOW // side
    spread = [plane.repeat_interleave(repeat, 0).repeat_interleave(repeat, 1) for plane in window]
    return torch.stack([*block, *spread], 2)[repeat : -2 * repeat].flatten(0, 1)


def _steps(plane: Plane, axis: int) -> Plane:
    """Absolute difference to the next sample; the last along the axis has none."""
    steps = plane.diff(dim=axis).abs()
    return F.pad(steps, (0, 1) if axis == 1 else (0, 0, 0, 1))


def _curvature(plane: Plane) -> Plane:
    """Absolute second differences of both directions together."""
    inner = 4 * plane[1:-1, 1:-1] - plane[:-2, 1:-1] - plane[2:, 1:-1] - plane[1:-1, :-2] - plane[1:-1, 2:]
    return F.pad(inner.abs(), (1, 1, 1, 1))


def _sums(plane: Plane, side: int) -> Plane:
    """Sums over squares."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    return plane.reshape(rows, side, columns, side).sum((1, 3), dtype=torch.int32)


def _around(plane: Plane) -> Plane:
    """Sum of the four neighbours, the edges repeated."""
    padded = F.pad(plane[None].double(), (1, 1, 1, 1), mode="replicate")[0].int()
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
