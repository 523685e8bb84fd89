"""Pairs of pictures of one scene: two folders, the official ones of KITTI's stereo benchmarks among them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from deepjscc.data.base import ImageSet
from deepjscc.data.folder import stamp
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import SUFFIXES, read_image, to_picture
from deepjscc.types import Image8

OtherImage8 = UInt8[Tensor, "3 other_height other_width"]  # of another size than the one beside it
Pair8 = UInt8[Tensor, "2 3 height width"]  # left and right, 8 bits
Pairs = Float[Tensor, "batch 2 3 height width"]  # the same in [0, 1]

VIEWS = ("left", "right")
FOLDERS = (("image_2", "image_3"), ("colored_0", "colored_1"), ("left", "right"))  # KITTI 2015, KITTI 2012, anybody's
KITTI_CUT = (370, 740)  # height and width of the paper's centre crop, out of 375x1242 or so
KITTI_SIZE = (128, 256)  # to which it is resized


class PairSet(ImageSet):
    """Pairs by index, each with a name; ``read`` gives ``[2, 3, height, width]``. See :class:`ImageSet`."""

    def __init__(self, name: str, names: list[str], read: Callable[[int], Pair8], content: str = "") -> None:
        super().__init__(name, names, read, content)

    def __getitem__(self, index: int) -> Pair8:
        return self._read(index)

    def batches(self) -> Iterator[tuple[int, Pairs]]:
        """Index and floats in [0, 1] of one pair after another."""
        for index in range(len(self)):
            yield index, self[index].float()[None] / 255

    def spread(self, count: int) -> "PairSet":
        """``count`` pairs evenly spread over the set."""
        chosen = [index * len(self) // count for index in range(count)] if count < len(self) else range(len(self))
        return PairSet(
            self.name, [self.names[index] for index in chosen], lambda index: self._read(chosen[index]), self.content
        )

    def strangers(self, name: str) -> "PairSet":
        """Pairs that do not belong together: each left picture with the right one of the pair after it."""

        def read(index: int) -> Pair8:
            return as_pair(self[index][0], self[(index + 1) % len(self)][1], name)

        return PairSet(name, self.names, read, self.content)


def open_pairs(
    left: Path, right: Path, name: str, fit: Callable[[Image8], OtherImage8] = lambda image: image
) -> PairSet:
    """The pictures of two folders, paired by file name.

    Args:
        left, right: the folders.
        name: of the set.
        fit: what is done to each picture.

    Raises:
        DeepJSCCError: no such folder, no pictures, or half of a pair is missing; when a pair is read, two sizes.
    """
    files = []
    for folder in (left, right):
        if not folder.is_dir():
            raise DeepJSCCError(f"{folder}: no such folder; a set of pairs has two")
        here = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES)
        files.append({file.name: file for file in here})
    alone = sorted(files[0].keys() ^ files[1].keys())
    if alone:
        raise DeepJSCCError(f"{left if alone[0] in files[0] else right}: {alone[0]} has no other half")
    if not files[0]:
        raise DeepJSCCError(f"{left}: no pictures ({', '.join(SUFFIXES)}) in this folder")
    names = list(files[0])

    def read(index: int) -> Pair8:
        left_image, right_image = (fit(read_image(side[names[index]])) for side in files)
        return as_pair(left_image, right_image, names[index])

    return PairSet(name, [Path(file).stem for file in names], read, stamp([*files[0].values(), *files[1].values()]))


def as_pair(left: Image8, right: OtherImage8, name: str) -> Pair8:
    """Two pictures as a pair.

    Raises:
        UsageError: of different sizes.
    """
    if left.shape != right.shape:
        sizes = " and ".join(f"{image.shape[2]}x{image.shape[1]}" for image in (left, right))
        raise UsageError(f"{name}: the two pictures of a pair must be of one size, not {sizes}")
    return torch.stack([left, right])


def find_pairs(folder: Path, name: str | None = None) -> PairSet:
    """The pairs of a folder that holds two, named as one of :data:`FOLDERS`.

    Raises:
        DeepJSCCError: none of these, or as in :func:`open_pairs`.
    """
    for left, right in FOLDERS:
        if (folder / left).is_dir() or (folder / right).is_dir():
            return open_pairs(folder / left, folder / right, name or folder.name)
    raise DeepJSCCError(f"{folder}: holds none of {', '.join('/ + '.join(both) + '/' for both in FOLDERS)}")


def open_kitti(folder: Path, name: str, *, whole_width: bool = False) -> PairSet:
    """KITTI's official folders (2015: ``image_2``, …; 2012: ``colored_0``, …), cut as in the paper.

    Args:
        folder: ``training`` or ``testing`` of either benchmark.
        name: of the set.
        whole_width: for training: keep the pictures' width, at the same scale, for random windows.

    Raises:
        DeepJSCCError: not there, or as in :func:`open_pairs`.
    """
    for left, right in FOLDERS[:2]:
        if (folder / left).is_dir():
            return open_pairs(folder / left, folder / right, name, fit=lambda image: fit_kitti(image, whole_width))
    raise DeepJSCCError(f"{folder}: no stereo pairs of KITTI; set DEEPJSCC_DATA to the folder that holds them")


def fit_kitti(image: Image8, whole_width: bool = False) -> OtherImage8:
    """The centre 370x740 (height, width), resized to 128x256; or the whole width, scaled alike."""
    height, width = KITTI_CUT
    if whole_width:
        width = image.shape[2]
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    if top < 0 or left < 0:
        raise UsageError(
            f"{image.shape[2]}x{image.shape[1]} pixels are fewer than the {KITTI_CUT[1]}x{KITTI_CUT[0]} to cut"
        )
    size = (round(width * KITTI_SIZE[0] / height), KITTI_SIZE[0])
    picture = to_picture(image[:, top : top + height, left : left + width]).resize(size, Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
