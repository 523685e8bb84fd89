"""Batches of training images: decoded once into memory, and a function of the step alone.

What a step sees (which images, how they are cut and flipped) is drawn from generators seeded by the recipe's seed and
the step. So a resumed run, and one on several processes, sees what an unbroken single one does.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from deepjscc.data import ImageSet, PairSet
from deepjscc.data.layered_pairs import LAYERS, layered_pair
from deepjscc.errors import UsageError
from deepjscc.seeds import generator
from deepjscc.types import Size


class Batches:
    """The batch of every step; each image once an epoch, flipped left to right, crops also transposed, by chance.

    Of pairs both views are cut alike and never transposed, and flipped they change places: the right camera stays to
    the right.

    Args:
        data: the training images; kept in memory as 8 bits, on ``device`` where all are of one size.
        batch: images (or pairs) a step, over all processes; the short rest of an epoch is left out.
        crop: height and width of what is cut out of each image at random; None takes images whole, of one size then.
        seed: of order, crops and flips.
        cuts: how often each image comes in an epoch.
        rank, world: this process of how many; it gets its share of each batch.
        device: where the images are wanted.
        unrelated: of pairs, the share whose right view is replaced by that of another pair.
        larger_crops: sides of squares that steps draw instead of the crop, each as often as the crop itself; a step
            then takes so many fewer images that it has about as many pixels, at least one.
        layered: of pairs, photographs to make pairs of (see :mod:`deepjscc.data.layered_pairs`), and their share.

    Raises:
        UsageError: fewer images than a batch, a batch that cannot be shared out, images smaller than the crop, or of
            several sizes without one.
    """

    def __init__(
        self,
        data: ImageSet,
        batch: int,
        crop: Size | None,
        seed: int,
        *,
        cuts: int = 1,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
        larger_crops: Sequence[int] = (),
        unrelated: float = 0.0,
        layered: tuple[ImageSet, float] | None = None,
    ) -> None:
        images: list[Tensor] = [data[index] for index in range(len(data))]
        if cuts * len(images) < batch:
            raise UsageError(f"{data.name} holds {len(images)} images, fewer than a batch of {batch}")
        if batch % world:
            raise UsageError(f"a batch of {batch} cannot be shared by {world} processes; make it a multiple")
        one_size = len({image.shape for image in images}) == 1
        if crop is None and not one_size:
            raise UsageError(f"the images of {data.name} are of several sizes; give the recipe a crop")
        self.crops = [*([crop] if crop else []), *((side, side) for side in larger_crops)]
        for rows, columns in self.crops:
            if any(image.shape[-2] < rows or image.shape[-1] < columns for image in images):
                raise UsageError(f"{data.name} holds images smaller than the crop of {columns}x{rows} pixels")
        self.images = torch.stack(images).to(device) if one_size else images
        self.pairs = isinstance(data, PairSet)
        if larger_crops and (self.pairs or crop is None):
            raise UsageError("larger_crops are for data sets of single photographs with a crop")
        if (unrelated or layered) and (not self.pairs or crop is None):
            raise UsageError("unrelated and layered pairs are for data sets of pairs with a crop")
        self.unrelated, self.layered_share = unrelated, layered[1] if layered else 0.0
        self.photographs = [layered[0][index] for index in range(len(layered[0]))] if layered else []
        self.batch, self.crop, self.seed, self.cuts, self.device = batch, crop, seed, cuts, device
        self.own = slice(rank * batch // world, (rank + 1) * batch // world)
        self._order = lru_cache(maxsize=1)(self._draw_order)

    def __len__(self) -> int:
        """Steps an epoch."""
        return self.cuts * len(self.images) // self.batch

    def indices(self, step: int) -> list[int]:
        """Return the indices of the images of a step, over all processes."""
        epoch, position = divmod(step, len(self))
        return self._order(epoch)[position * self.batch : (position + 1) * self.batch]

    def __getitem__(self, step: int) -> Tensor:
        """This process's share of the step's images, ``[batch, 3, height, width]``, or pairs, ``[batch, 2, 3, …]``."""
        draws = generator(self.seed, "cut", step)
        places = torch.rand(self.batch, 3, generator=draws)[self.own]
        chosen = self.indices(step)[self.own]
        if isinstance(self.images, torch.Tensor) and self.crop is None:
            batch = self.images[torch.tensor(chosen, device=self.images.device)]
        else:
            window = self._window(step)
            count = self._count(len(chosen), window)
            chosen, places = chosen[:count], places[:count]
            at = places[:, :2].tolist()
            cut = [self._cut(self.images[i], down, right, window) for i, (down, right) in zip(chosen, at, strict=True)]
            turned = torch.rand(self.batch, generator=draws)[self.own][:count] < 0.5
            if self.unrelated or self.photographs:
                cut = self._varied(cut, step)
            square = cut[0].shape[-2] == cut[0].shape[-1] and not self.pairs
            batch = torch.stack([c.mT if t and square else c for c, t in zip(cut, turned, strict=True)]).to(self.device)
        flip = (places[:, 2] < 0.5).to(batch.device).reshape(-1, *[1] * (batch.dim() - 1))
        mirrored = batch.flip(4, 1) if self.pairs else batch.flip(3)
        batch = torch.where(flip, mirrored, batch).float() / 255
        return batch if self.pairs else batch.contiguous(memory_format=torch.channels_last)

    def _window(self, step: int) -> Size | None:
        """Draw the size that a step cuts out: the crop, or one of the larger ones."""
        if len(self.crops) < 2:
            return self.crop
        return self.crops[int(torch.randint(len(self.crops), (), generator=generator(self.seed, "crop", step)))]

    def _count(self, most: int, window: Size | None) -> int:
        """Images of a step whose window may be larger than the crop."""
        if window is None or self.crop is None:
            return most
        return max(1, round(most * math.prod(self.crop) / math.prod(window)))

    def _cut(self, image: Tensor, down: float, right: float, window: Size | None) -> Tensor:
        height, width = window or image.shape[-2:]
        top, left = int(down * (image.shape[-2] - height + 1)), int(right * (image.shape[-1] - width + 1))
        return image[..., top : top + height, left : left + width]

    def _varied(self, pairs: list[Tensor], step: int) -> list[Tensor]:
        """Replace a share of the pairs by pairs of layers, and a share of the right views by those of other pairs."""
        places = range(self.batch)[self.own]
        varied = []
        for place, pair in zip(places, pairs, strict=True):
            draws = generator(self.seed, "pair", step, place)
            layered, unrelated = torch.rand(2, generator=draws).tolist()
            varied.append(self._layered(draws) if layered < self.layered_share else pair)
            if unrelated < self.unrelated:
                other = self.images[int(torch.randint(len(self.images), (), generator=draws))]
                down, right = torch.rand(2, generator=draws).tolist()
                theirs = self._cut(other, down, right, self.crop)
                varied[-1] = torch.stack([varied[-1][0], theirs[1]])
        return varied

    def _layered(self, draws: torch.Generator) -> Tensor:
        assert self.crop is not None
        chosen = torch.randint(len(self.photographs), (LAYERS + 1,), generator=draws).tolist()
        return layered_pair([self.photographs[index] for index in chosen], self.crop, draws)

    def _draw_order(self, epoch: int) -> list[int]:
        order = torch.randperm(self.cuts * len(self.images), generator=generator(self.seed, "order", epoch))
        return (order % len(self.images)).tolist()
