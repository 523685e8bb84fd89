"""Planes of full-range YCbCr (BT.601, as in JPEG), 4:4:4 or 4:2:0, for codecs that take planes rather than RGB."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from deepjscc.images import from_picture
from deepjscc.types import Image8, Size

FORM = "bt601-full;bicubic;1"  # part of every key under which coded pictures are kept: change it with what is below
_FORWARD = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_INVERSE = torch.linalg.inv(_FORWARD.double()).float()
_CENTRE = torch.tensor([0.0, 128.0, 128.0])[:, None, None]


def to_planes(
    picture: Image.Image, subsampling: str, *, bits: int, multiple: int, smallest: int
) -> list[NDArray[np.uint16]]:
    """Y, Cb and Cr of a picture, padded by repeating its edge.

    Args:
        picture: 8-bit RGB.
        subsampling: ``4:4:4``, or ``4:2:0`` for chroma of half the size (antialiased bicubic, samples centred).
        bits: per sample of the planes, 8 or more.
        multiple: of which both padded sides are multiples; even.
        smallest: padded side.
    """
    rgb = from_picture(picture).float()
    right, down = (max(side + -side % multiple, smallest) - side for side in picture.size)
    rgb = F.pad(rgb[None], (0, right, 0, down), mode="replicate")[0]
    ycc = torch.einsum("ij,jhw->ihw", _FORWARD, rgb) + _CENTRE
    chroma = ycc[None, 1:]
    if subsampling == "4:2:0":
        chroma = F.interpolate(chroma, scale_factor=0.5, mode="bicubic", antialias=True)
    top = 2**bits - 1
    planes = [plane * 2 ** (bits - 8) for plane in (ycc[0], *chroma[0])]
    return [plane.round().clamp(0, top).numpy().astype(np.uint16) for plane in planes]


def from_planes(planes: list[NDArray[np.uint8]] | list[NDArray[np.uint16]], size: Size, *, bits: int) -> Image8:
    """Undo :func:`to_planes`: the picture of ``size`` = (height, width), whatever its chroma's size was."""
    luma, *chroma = [torch.from_numpy(plane.astype(np.float32))[None] / 2 ** (bits - 8) for plane in planes]
    both = torch.cat(chroma)
    if both.shape[1:] != luma.shape[1:]:
        both = F.interpolate(both[None], size=luma.shape[1:], mode="bicubic")[0]
    rgb = torch.einsum("ij,jhw->ihw", _INVERSE, torch.cat([luma, both]) - _CENTRE)
    return rgb[:, : size[0], : size[1]].round().clamp(0, 255).to(torch.uint8).contiguous()


def size_to_bytes(picture: Image.Image) -> bytes:
    """The size of a picture in 4 bytes, to stand before a stream whose padding hides it."""
    return picture.height.to_bytes(2, "big") + picture.width.to_bytes(2, "big")


def size_from_bytes(data: bytes) -> Size:
    """(height, width) from the first 4 bytes."""
    return int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
