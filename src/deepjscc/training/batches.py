"""Batches of training images: decoded once into memory, shuffled, cropped and flipped."""

from collections.abc import Iterator

import torch
from jaxtyping import UInt8
from torch import Tensor

from deepjscc.data import ImageSet
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.types import Image8, Images


class Batches:
    """Iterates once over the images in random order, each flipped left to right with probability 1/2.

    Args:
        data: the training images; kept in memory as 8 bits.
        batch: images a batch; the last, short batch of an epoch is dropped.
        crop: side of a random square cut out of each image; None takes images whole, which must be of one size.
        draws: source of order, crops and flips.

    Raises:
        UsageError: fewer images than a batch, images smaller than the crop, or of several sizes without one.
    """

    def __init__(self, data: ImageSet, batch: int, crop: int | None, draws: torch.Generator) -> None:
        self.images: list[Image8] = [data[index] for index in range(len(data))]
        self.batch, self.crop, self.draws = batch, crop, draws
        if len(self.images) < batch:
            raise UsageError(f"{data.name} holds {len(self.images)} images, fewer than a batch of {batch}")
        if crop is None and len({image.shape for image in self.images}) > 1:
            raise UsageError(f"the images of {data.name} are of several sizes; give the recipe a crop")
        if crop is not None and min(min(image.shape[1:]) for image in self.images) < crop:
            raise UsageError(f"{data.name} holds images smaller than the crop of {crop} pixels")

    def __len__(self) -> int:
        return len(self.images) // self.batch

    def __iter__(self) -> Iterator[Images]:
        order = torch.randperm(len(self.images), generator=self.draws).tolist()
        for start in range(0, len(self) * self.batch, self.batch):
            chosen = torch.stack([self._cut(self.images[index]) for index in order[start : start + self.batch]])
            flip = torch.rand(self.batch, generator=self.draws) < 0.5
            chosen = torch.where(flip[:, None, None, None], chosen.flip(3), chosen)
            yield to_float(chosen).contiguous(memory_format=torch.channels_last)

    def _cut(self, image: Image8) -> UInt8[Tensor, "3 crop_height crop_width"]:
        if self.crop is None:
            return image
        height, width = image.shape[1:]
        top = int(torch.randint(height - self.crop + 1, (), generator=self.draws))
        left = int(torch.randint(width - self.crop + 1, (), generator=self.draws))
        return image[:, top : top + self.crop, left : left + self.crop]
