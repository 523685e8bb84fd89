"""Images: files to tensors and back, 8-bit rounding, padding and cropping for any size."""

import io
import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import write_atomically
from deepjscc.open_image import MAX_PIXELS, open_rgb
from deepjscc.types import Image8, Images, Size

RANGE_TOLERANCE = 1e-3  # by which rounding may carry values out of [0, 1]: a quarter of an 8-bit level
_JPEG: tuple[str, dict[str, Any]] = ("JPEG", {"quality": 95, "subsampling": 0})
_TIFF: tuple[str, dict[str, Any]] = ("TIFF", {"compression": "tiff_lzw"})
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {"compress_level": 3}),  # half the time of the default 6 for 7% more bytes
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm")


def read_image(source: Path | str | BinaryIO | io.BytesIO, max_pixels: int | None = None) -> Image8:
    """Read a picture as a uint8 tensor ``[3, height, width]``; see
    :func:`deepjscc.open_image.open_rgb` for forms and errors."""
    return from_picture(open_rgb(source, MAX_PIXELS if max_pixels is None else max_pixels))


def from_picture(picture: Image.Image) -> Image8:
    """An 8-bit RGB Pillow picture as a tensor."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def to_picture(image: Float[Tensor, "3 height width"] | Image8) -> Image.Image:
    """Turn one image, floats in [0, 1] or 8 bits, into an 8-bit RGB Pillow picture."""
    image8 = image if image.dtype == torch.uint8 else to_8bit(image[None])[0]
    return Image.fromarray(image8.permute(1, 2, 0).contiguous().cpu().numpy())


def write_image(image: Image8, path: Path | str) -> None:
    """Write a picture in the format of its suffix, beside and then renamed.

    Raises:
        UsageError: a suffix no writer is known for.
        DeepJSCCError: the place cannot be written.
    """
    save_picture(to_picture(image), Path(path))


def save_picture(picture: Image.Image, path: Path) -> None:
    """Save a Pillow picture in the format of the path's suffix, beside and then renamed.

    PNG, WebP and TIFF keep every pixel; JPEG is written at quality 95 without chroma subsampling.

    Raises:
        UsageError: a suffix that is none of these.
        DeepJSCCError: the place cannot be written, or the format cannot hold the picture.
    """
    form, options = output_format(path)
    buffer = io.BytesIO()
    try:
        picture.save(buffer, form, **options)
    except (OSError, ValueError) as error:
        raise DeepJSCCError(f"{path}: {form} cannot hold {picture.width}x{picture.height} pixels: {error}") from None
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def output_format(path: Path) -> tuple[str, dict[str, Any]]:
    """Pillow's name and options of the format a picture is written in.

    Raises:
        UsageError: a suffix none is known for.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: no image format for the suffix {path.suffix!r}; use .png, .jpg, .webp or .tif")
    return FORMATS[path.suffix.lower()]


def check_images(images: Tensor, overshoot: float = 0.0) -> None:
    """Check that a tensor is a batch of images: floats ``[batch, 3, height, width]`` in [0, 1], none of them NaN.

    Every public function that takes images calls it once. It reads the values once.

    Args:
        images: what a caller passed.
        overshoot: by which values may lie outside [0, 1]; decoders that do not clip have some.

    Raises:
        UsageError: another type, shape or range, with what to do about it.
    """
    if images.dtype == torch.uint8:
        raise UsageError("images are 8-bit integers here; divide by 255 (deepjscc.images.to_float)")
    if not images.is_floating_point():
        raise UsageError(f"images must be floats in [0, 1], not {str(images.dtype).removeprefix('torch.')}")
    if images.dim() != 4 or images.shape[1] != 3:
        shape = "x".join(map(str, images.shape))
        raise UsageError(f"images must be [batch, 3, height, width], not {shape}; repeat grey over three channels")
    if not images.numel():
        return
    low, high = (end.item() for end in torch.aminmax(images.detach()))
    if math.isnan(low) or math.isnan(high):
        raise UsageError("an image holds NaN; replace it")
    tolerance = overshoot + RANGE_TOLERANCE
    if low < -tolerance or high > 1 + tolerance:
        raise UsageError(
            f"images must be in [0, 1], not {low:.4g} to {high:.4g}; scale them (8-bit values: divide by 255)"
        )


def to_float(images: UInt8[Tensor, "*batch 3 height width"]) -> Images:
    """8-bit pictures to a batch of floats in [0, 1]."""
    return images.reshape(-1, *images.shape[-3:]).float() / 255


def to_8bit(images: Images) -> UInt8[Tensor, "batch 3 height width"]:
    """Clip, round to nearest and store in 8 bits, as a screen or file would."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8)


def pad_to_multiple(images: Images, multiple: int) -> Float[Tensor, "batch 3 padded_height padded_width"]:
    """Repeat the last row and column until both sides are multiples; from 1x1 up."""
    height, width = images.shape[-2:]
    down, right = -height % multiple, -width % multiple
    return F.pad(images, (0, right, 0, down), mode="replicate") if down or right else images


def padded_size(size: Size, multiple: int) -> Size:
    """The size that :func:`pad_to_multiple` makes."""
    return size[0] + -size[0] % multiple, size[1] + -size[1] % multiple


def crop(images: Images, size: Size) -> Float[Tensor, "batch 3 kept_height kept_width"]:
    """Keep the top left ``size`` = (height, width): undoes the padding."""
    return images[..., : size[0], : size[1]]
