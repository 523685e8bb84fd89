"""Batches of training images: decoded once into memory, and a function of the step alone.

What a step sees (which images, how they are cut and flipped) is drawn from generators seeded by the recipe's seed and
the step. So a resumed run, and one on several processes, sees what an unbroken single one does.
"""

from functools import lru_cache

import torch

from deepjscc.data import ImageSet
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.seeds import generator
from deepjscc.types import Image8, Images


class Batches:
    """The batch of every step; each image once an epoch, flipped left to right, crops also transposed, by chance.

    Args:
        data: the training images; kept in memory as 8 bits, on ``device`` where all are of one size.
        batch: images a step, over all processes; the short rest of an epoch is left out.
        crop: side of a random square cut out of each image; None takes images whole, which must be of one size.
        seed: of order, crops and flips.
        cuts: how often each image comes in an epoch.
        rank, world: this process of how many; it gets its share of each batch.
        device: where the images are wanted.

    Raises:
        UsageError: fewer images than a batch, a batch that cannot be shared out, images smaller than the crop, or of
            several sizes without one.
    """

    def __init__(
        self,
        data: ImageSet,
        batch: int,
        crop: int | None,
        seed: int,
        *,
        cuts: int = 1,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        images: list[Image8] = [data[index] for index in range(len(data))]
        if cuts * len(images) < batch:
            raise UsageError(f"{data.name} holds {len(images)} images, fewer than a batch of {batch}")
        if batch % world:
            raise UsageError(f"a batch of {batch} cannot be shared by {world} processes; make it a multiple")
        one_size = len({image.shape for image in images}) == 1
        if crop is None and not one_size:
            raise UsageError(f"the images of {data.name} are of several sizes; give the recipe a crop")
        if crop is not None and min(min(image.shape[1:]) for image in images) < crop:
            raise UsageError(f"{data.name} holds images smaller than the crop of {crop} pixels")
        self.images = torch.stack(images).to(device) if one_size else images
        self.batch, self.crop, self.seed, self.cuts, self.device = batch, crop, seed, cuts, device
        self.share = slice(rank * batch // world, (rank + 1) * batch // world)
        self._order = lru_cache(maxsize=1)(self._draw_order)

    def __len__(self) -> int:
        """Steps an epoch."""
        return self.cuts * len(self.images) // self.batch

    def indices(self, step: int) -> list[int]:
        """Which images the step sees, over all processes."""
        epoch, position = divmod(step, len(self))
        return self._order(epoch)[position * self.batch : (position + 1) * self.batch]

    def __getitem__(self, step: int) -> Images:
        """This process's share of the step's images."""
        draws = generator(self.seed, "cut", step)
        places = torch.rand(self.batch, 3, generator=draws)[self.share]
        chosen = self.indices(step)[self.share]
        if isinstance(self.images, torch.Tensor) and self.crop is None:
            batch = self.images[torch.tensor(chosen, device=self.images.device)]
        else:
            cut = [self._cut(self.images[i], *place) for i, place in zip(chosen, places[:, :2].tolist(), strict=True)]
            turned = torch.rand(self.batch, generator=draws)[self.share] < 0.5
            batch = torch.stack([c.mT if t else c for c, t in zip(cut, turned, strict=True)]).to(self.device)
        flip = (places[:, 2] < 0.5).to(batch.device)
        batch = torch.where(flip[:, None, None, None], batch.flip(3), batch)
        return to_float(batch).contiguous(memory_format=torch.channels_last)

    def _cut(self, image: torch.Tensor, down: float, right: float) -> torch.Tensor:
        crop = self.crop or 0
        top, left = (int(part * (side - crop + 1)) for part, side in ((down, image.shape[1]), (right, image.shape[2])))
        return image[:, top : top + crop, left : left + crop]

    def _draw_order(self, epoch: int) -> list[int]:
        order = torch.randperm(self.cuts * len(self.images), generator=generator(self.seed, "order", epoch))
        return (order % len(self.images)).tolist()
