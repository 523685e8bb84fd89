"""Photographs beside their HEVC bases at several qualities: what a residual code is fitted to."""

from collections.abc import Callable

from deepjscc.data import ImageSet
from deepjscc.digital.codecs import HEVC
from deepjscc.images import to_picture
from deepjscc.types import Image8

QPS = range(10, 50, 4)  # of bases, each photograph taking every other one, shifted by up to 3 from one to the next
HALF_CHROMA_FROM = 20  # QP; below it chroma is coded in full


class BasePairs:
    """Pairs of an image and its decoded base; bases are coded at once and decoded when read.

    Args:
        images: 8-bit photographs.
        on_progress: called with photographs done and to do.

    Raises:
        DeepJSCCError: PyAV or x265 are missing.
    """

    def __init__(self, images: ImageSet, on_progress: Callable[[int, int], object] = lambda done, of: None) -> None:
        self._images, self._codec = images, HEVC()
        self._bases: list[tuple[int, bytes]] = []
        for index in range(len(images)):
            picture = to_picture(images[index])
            for qp, chroma in _settings(index):
                level = (max(self._codec.levels) // HEVC.STEPS - qp) * HEVC.STEPS
                self._bases.append((index, self._codec.compress(picture, level, chroma)))
            on_progress(index + 1, len(images))

    def __len__(self) -> int:
        return len(self._bases)

    def __getitem__(self, index: int) -> tuple[Image8, Image8]:
        image, data = self._bases[index]
        return self._images[image], self._codec.decode(data)


def _settings(index: int) -> list[tuple[int, str]]:
    """QP and chroma sampling of the bases of the ``index``-th photograph."""
    return [
        (coarse + index % 4, "4:2:0" if coarse >= HALF_CHROMA_FROM else "4:4:4")
        for place, coarse in enumerate(QPS)
        if (place + index) % 2 == 0
    ]
