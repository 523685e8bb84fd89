"""CIFAR-10 in its official binary version: ten thousand records a file, a label byte and 3x32x32 pixel bytes."""

import hashlib
import tarfile
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from deepjscc.errors import DeepJSCCError

FOLDER = "cifar-10-batches-bin"
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE_MD5 = "md5:c32a1d4ab5d03f1284b67883e8d87530"
FILES = {"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)}
RECORD = 1 + 3 * 32 * 32
RECORDS_PER_FILE = 10_000

# XOR over the images of each SHA-256 of pixel bytes: the same for every order of the images.
FINGERPRINTS = {
    "train": "779758d7b2302b078dff551251608af76d3d939c6207edb75bb8b1c2959441bf",
    "test": "7e0a9bfffc858e5fee52174f4ea874c94db0bdcd1d424b800342439fd71bc227",
}

Split = Literal["train", "test"]


def read_cifar10(root: Path, split: Split) -> UInt8[Tensor, "image 3 32 32"]:
    """Read all images of a split as one tensor.

    Raises:
        DeepJSCCError: a file is missing, cut short, or its pixels are not CIFAR-10's.
    """
    parts = []
    for name in FILES[split]:
        path = root / FOLDER / name
        try:
            raw = np.fromfile(path, dtype=np.uint8)
        except OSError:
            raise DeepJSCCError(
                f"{path}: CIFAR-10 is not there; set DEEPJSCC_DATA to the folder that holds {FOLDER}/, "
                "or run `deepjscc fetch cifar10` where there is internet"
            ) from None
        if raw.size != RECORD * RECORDS_PER_FILE:
            raise DeepJSCCError(f"{path}: {raw.size} bytes instead of {RECORD * RECORDS_PER_FILE}; fetch it again")
        parts.append(raw.reshape(-1, RECORD)[:, 1:])
    pixels = np.concatenate(parts)
    if fingerprint(pixels) != FINGERPRINTS[split]:
        raise DeepJSCCError(f"{root / FOLDER}: the pixels of the {split} images are not CIFAR-10's; fetch it again")
    return torch.from_numpy(pixels).reshape(-1, 3, 32, 32)


def fingerprint(pixels: np.ndarray) -> str:
    """Hash of a set of images, ``[image, bytes]`` uint8, that does not depend on their order."""
    folded = np.zeros(32, dtype=np.uint8)
    for image in np.ascontiguousarray(pixels):
        folded ^= np.frombuffer(hashlib.sha256(image).digest(), dtype=np.uint8)
    return folded.tobytes().hex()


def fetch_cifar10(root: Path) -> None:
    """Download the binary version from its author's site, checked, and unpack it under ``root``."""
    from deepjscc.fetch import download

    archive = download(URL, ARCHIVE_MD5, root)
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="data")
