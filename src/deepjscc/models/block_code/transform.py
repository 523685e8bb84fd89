"""The transform of a block code: the KLT of square blocks of pixels."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.layers.products import linear
from deepjscc.types import Images

Blocks = Float[Tensor, "batch blocks values"]


@dataclass(frozen=True)
class BlockTransform:
    """Images to the KLT coefficients of their blocks and back, in full precision, whatever networks compute in.

    Attributes:
        mean: mean of the pixel values of a block, in (colour, row, column) order.
        basis: column i belongs to coefficient i, the strongest first.
        side: height and width of a block in pixels.
    """

    mean: Float[Tensor, " values"]
    basis: Float[Tensor, "values values"]
    side: int

    def coefficients(self, images: Images) -> Blocks:
        """Padded images to the coefficients of their blocks in raster order."""
        with torch.autocast(images.device.type, enabled=False):
            return linear(self.to_blocks(images) - self.mean, self.basis.T)

    def coefficients_of_change(self, change: Images) -> Blocks:
        """The change of coefficients that a change of the pixels makes."""
        with torch.autocast(change.device.type, enabled=False):
            return linear(self.to_blocks(change), self.basis.T)

    def to_pixels(self, coefficients: Blocks, columns: int) -> Images:
        """Undo :meth:`coefficients`, of ``columns`` blocks a row."""
        with torch.autocast(coefficients.device.type, enabled=False):
            return self.from_blocks(linear(coefficients, self.basis, self.mean), columns)

    def deviation_of_pixels(self, error: Blocks, columns: int) -> Images:
        """Standard deviation of every pixel value, from the error variances of the coefficients."""
        with torch.autocast(error.device.type, enabled=False):
            return self.from_blocks(linear(error, self.basis.square()), columns).clamp_min(0).sqrt()

    def to_blocks(self, images: Images) -> Blocks:
        """Padded images to their blocks in raster order, values in (colour, row, column) order."""
        batch, colours, height, width = images.shape
        side = self.side
        cut = images.reshape(batch, colours, height // side, side, width // side, side)
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def from_blocks(self, blocks: Blocks, columns: int) -> Images:
        """Undo :meth:`to_blocks`, of ``columns`` blocks a row."""
        side = self.side
        laid = blocks.unflatten(2, (3, side, side)).unflatten(1, (-1, columns)).permute(0, 3, 1, 4, 2, 5)
        return laid.flatten(4).flatten(2, 3)
