"""A data set is a named list of 8-bit pictures."""

from collections.abc import Callable

from deepjscc.types import Image8


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

    def spread(self, count: int) -> "ImageSet":
        """``count`` pictures evenly spread over the set (files are often sorted by what they show)."""
        count = min(count, len(self))
        chosen = [index * len(self) // count for index in range(count)]
        return ImageSet(
            self.name, [self.names[index] for index in chosen], lambda index: self._read(chosen[index]), self.content
        )
