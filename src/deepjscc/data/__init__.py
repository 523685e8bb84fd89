"""Data sets in their official formats, under ``$DEEPJSCC_DATA``."""

import os
from collections.abc import Callable
from pathlib import Path

from deepjscc.data.base import ImageSet
from deepjscc.data.cifar10 import Split, fetch_cifar10, read_cifar10
from deepjscc.data.folder import open_folder
from deepjscc.data.kodak import fetch_kodak, open_kodak
from deepjscc.data.samples import open_samples

__all__ = ["DATASETS", "FETCHERS", "ImageSet", "data_root", "open_data"]


def data_root() -> Path:
    """``$DEEPJSCC_DATA``, or a folder of the user's cache."""
    given = os.environ.get("DEEPJSCC_DATA")
    return Path(given) if given else Path.home() / ".cache" / "deepjscc"


def _cifar10(split: Split, name: str) -> ImageSet:
    images = read_cifar10(data_root(), split)
    return ImageSet(name, [f"{split}-{index:05d}" for index in range(len(images))], images.__getitem__)


DATASETS: dict[str, Callable[[], ImageSet]] = {
    "kodak": lambda: open_kodak(data_root()),
    "cifar10": lambda: _cifar10("test", "cifar10"),
    "cifar10-train": lambda: _cifar10("train", "cifar10-train"),
    "photos-train": lambda: open_folder(data_root() / "photos" / "train", "photos-train"),
    "cid22-train": lambda: open_folder(data_root() / "photos" / "train", "cid22-train", prefix="cid22"),
    "photos-val": lambda: open_folder(data_root() / "photos" / "val", "photos-val"),
    "samples": open_samples,
}
FETCHERS: dict[str, Callable[[Path], None]] = {"kodak": fetch_kodak, "cifar10": fetch_cifar10}


def open_data(name: str) -> ImageSet:
    """A data set by name, or any folder (or single picture) by path.

    Raises:
        DeepJSCCError: the data are not there, or not what they should be.
    """
    return DATASETS[name]() if name in DATASETS else open_folder(Path(name))
