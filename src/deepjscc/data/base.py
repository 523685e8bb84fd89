"""A data set is a named list of 8-bit pictures."""

from collections.abc import Callable, Iterator

import torch

from deepjscc.images import to_float
from deepjscc.types import Image8, Images

SMALL_PIXELS = 64 * 64  # pictures up to this size go in batches
BATCH = 500


class ImageSet:
    """Pictures by index, each with a name.

    Args:
        name: of the set, as tables show it.
        names: one a picture.
        read: index to picture, called when the picture is wanted.
        content: text that changes when the pictures do; a resumed sweep measures again then.
    """

    def __init__(self, name: str, names: list[str], read: Callable[[int], Image8], content: str = "") -> None:
        self.name, self.names, self._read, self.content = name, names, read, content

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Image8:
        return self._read(index)

    def batches(self) -> Iterator[tuple[int, Images]]:
        """Index of the first picture and floats in [0, 1]: small pictures of one size together, large ones alone.

        The same batches every time, so that draws seeded by the index are too.
        """
        start = 0
        while start < len(self):
            batch = [self[start]]
            small = batch[0].shape[1] * batch[0].shape[2] <= SMALL_PIXELS
            while small and len(batch) < BATCH and start + len(batch) < len(self):
                following = self[start + len(batch)]
                if following.shape != batch[0].shape:
                    break
                batch.append(following)
            yield start, to_float(torch.stack(batch))
            start += len(batch)

    def spread(self, count: int) -> "ImageSet":
        """``count`` pictures evenly spread over the set (files are often sorted by what they show)."""
        count = min(count, len(self))
        chosen = [index * len(self) // count for index in range(count)]
        return ImageSet(
            self.name, [self.names[index] for index in chosen], lambda index: self._read(chosen[index]), self.content
        )
