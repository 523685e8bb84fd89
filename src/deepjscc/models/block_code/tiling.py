"""Tiling of pictures: strips of rows that a block code reads and works on together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from deepjscc.images import pad_to_multiple
from deepjscc.types import Images, Size

STRIP_PIXELS = 1_200_000  # of all images of a batch, worked on at a time
"""Larger strips need less of a halo, but tensors of more than 32 MB are asked of the system and given back at every
step: twice as slow a pixel (`benchmarks/bench_models.py`, growth with area)."""
HALOS = (
    2  # a strip is at least so many times as high as its halo: of a very wide picture no more than half is done twice
)


@runtime_checkable
class Rows(Protocol):
    """Pictures of one size by rows; a strip of them is padded to a multiple of the block."""

    @property
    def size(self) -> Size:
        """Height and width, not padded."""

    def strip(self, top: int, bottom: int) -> Images:
        """Rows ``top`` to ``bottom``, multiples of the block, padded by repeating edges where the picture ends."""


class BatchRows:
    """Rows of a batch of images."""

    def __init__(self, images: Images, block: int) -> None:
        self.size: Size = (images.shape[-2], images.shape[-1])
        self.images = pad_to_multiple(images, block)

    def strip(self, top: int, bottom: int) -> Images:
        """See :class:`Rows`."""
        return self.images[:, :, top:bottom]


@dataclass(frozen=True)
class Strip:
    """Rows of blocks ``first`` to ``last``, worked on with those from ``outer_first`` to ``outer_last`` around them."""

    first: int
    last: int
    outer_first: int
    outer_last: int


def strips(grid: tuple[int, int], pixels: int, halo: int) -> Iterator[Strip]:
    """Cut a grid of blocks into strips of whole rows, at least :data:`HALOS` halos high: memory grows with the width.

    Args:
        grid: rows and columns of blocks.
        pixels: of a block, over the whole batch.
        halo: rows of blocks around a strip that its result depends on.
    """
    rows, columns = grid
    together = max(1, HALOS * halo, STRIP_PIXELS // (columns * pixels))
    for first in range(0, rows, together):
        last = min(first + together, rows)
        yield Strip(first, last, max(first - halo, 0), min(last + halo, rows))
