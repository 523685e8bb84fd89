"""Data sets in their official formats, under ``$DEEPJSCC_DATA``."""

import os
from collections.abc import Callable
from pathlib import Path

from deepjscc.data.base import ImageSet
from deepjscc.data.cifar10 import Split, fetch_cifar10, read_cifar10
from deepjscc.data.folder import open_folder
from deepjscc.data.kodak import fetch_kodak, open_kodak
from deepjscc.data.pairs import PairSet, find_pairs, open_kitti, open_pairs
from deepjscc.data.samples import open_samples
from deepjscc.errors import DeepJSCCError
from deepjscc.files import cache_folder

__all__ = ["DATASETS", "FETCHERS", "ImageSet", "PairSet", "data_root", "open_data"]


def data_root() -> Path:
    """``$DEEPJSCC_DATA``, or the user's cache folder of this program.

    Raises:
        DeepJSCCError: neither is there.
    """
    given = os.environ.get("DEEPJSCC_DATA")
    folder = Path(given) if given else cache_folder()
    if folder is None:
        raise DeepJSCCError("there is no home folder for data sets; set $DEEPJSCC_DATA to a folder")
    return folder


def _cifar10(split: Split, name: str) -> ImageSet:
    images = read_cifar10(data_root(), split)
    return ImageSet(name, [f"{split}-{index:05d}" for index in range(len(images))], images.__getitem__)


def _kitti(benchmark: str, part: str) -> PairSet:
    """The paper's cut of the official folders; for training wider, to cut windows out of."""
    folder, training = data_root() / benchmark / part, part == "training"
    return open_kitti(folder, f"{benchmark}-{'train' if training else 'test'}", whole_width=training)


DATASETS: dict[str, Callable[[], ImageSet]] = {
    "kodak": lambda: open_kodak(data_root()),
    "cifar10": lambda: _cifar10("test", "cifar10"),
    "cifar10-train": lambda: _cifar10("train", "cifar10-train"),
    "photos-train": lambda: open_folder(data_root() / "photos" / "train", "photos-train"),
    "cid22-train": lambda: open_folder(data_root() / "photos" / "train", "cid22-train", prefix="cid22"),
    "photos-val": lambda: open_folder(data_root() / "photos" / "val", "photos-val"),
    "samples": open_samples,
    "stereo-train": lambda: find_pairs(data_root() / "stereo" / "train", "stereo-train"),
    "stereo-test": lambda: find_pairs(data_root() / "stereo" / "test", "stereo-test"),
    "stereo-strangers": lambda: find_pairs(data_root() / "stereo" / "test").strangers("stereo-strangers"),
    "kitti2015-train": lambda: _kitti("kitti2015", "training"),
    "kitti2015-test": lambda: _kitti("kitti2015", "testing"),
    "kitti2012-train": lambda: _kitti("kitti2012", "training"),
    "kitti2012-test": lambda: _kitti("kitti2012", "testing"),
}
FETCHERS: dict[str, Callable[[Path], None]] = {"kodak": fetch_kodak, "cifar10": fetch_cifar10}


def open_data(name: str) -> ImageSet:
    """A data set by name, or any folder (or single picture) by path; of pairs, two folders as ``LEFT,RIGHT``.

    Raises:
        DeepJSCCError: the data are not there, or not what they should be.
    """
    if name in DATASETS:
        return DATASETS[name]()
    left, comma, right = name.partition(",")
    if comma and not Path(name).exists():
        return open_pairs(Path(left), Path(right), name)
    return open_folder(Path(name))
