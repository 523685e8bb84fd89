"""Open image files of any form as 8-bit RGB Pillow pictures; imports no torch, so that a worker starts fast."""

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from deepjscc.defaults import MAX_PIXELS
from deepjscc.errors import DeepJSCCError
from deepjscc.files import check_regular
from deepjscc.pixel_formats import encoding, to_srgb

# Decoders that take far more memory or time a pixel than others: 19 bytes and 0.2 microseconds, 9 bytes.
MAX_PIXELS_OF = {"JPEG2000": 40_000_000, "AVIF": 100_000_000}
ORIENTATION = 0x0112  # the EXIF tag
logging.getLogger("PIL").addHandler(logging.NullHandler())  # without a handler its records go to standard error


def open_rgb(source: Path | str | BinaryIO | io.BytesIO, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open a picture as 8-bit sRGB: EXIF orientation applied, alpha laid over white, deeper values scaled by what the
    file says of white, colour profiles converted, grey and palette spread over three channels; of an animation the
    first frame.

    Raises:
        DeepJSCCError: missing, not an image, truncated, zero-sized, of more than ``max_pixels``, or of a depth or
            colours that the file does not state.
    """
    name = source if isinstance(source, Path | str) else getattr(source, "name", "the image")
    if isinstance(source, Path | str):
        check_regular(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what our own bounds and errors are about
        return _open(source, name, max_pixels)


def _open(source: Path | str | BinaryIO | io.BytesIO, name: Path | str, max_pixels: int) -> Image.Image:
    try:
        picture: Image.Image = Image.open(source)
        width, height = picture.size
        max_pixels = min(max_pixels, MAX_PIXELS_OF.get(picture.format or "", max_pixels))
        if width * height > max_pixels:
            raise DeepJSCCError(
                f"{name}: {width}x{height} is more than the {max_pixels / 10**6:g} megapixels allowed for "
                f"{picture.format}; scale it down"
            )
        if width * height == 0:
            raise DeepJSCCError(f"{name}: the image has no pixels")
        said = encoding(picture)
        with _silent_libtiff() if picture.format == "TIFF" else nullcontext():
            picture.load()
        if picture.getexif().get(ORIENTATION, 1) != 1:
            picture = ImageOps.exif_transpose(picture)
        return to_srgb(picture, said)
    except DeepJSCCError as error:
        raise DeepJSCCError(f"{name}: {str(error).removeprefix(f'{name}: ')}") from None
    except FileNotFoundError:
        raise DeepJSCCError(f"{name}: no such file") from None
    except Image.DecompressionBombError:
        raise DeepJSCCError(f"{name}: more than {max_pixels / 10**6:g} megapixels; scale it down") from None
    except UnidentifiedImageError:
        raise DeepJSCCError(f"{name}: not an image that can be read (PNG, JPEG, WebP, TIFF, AVIF)") from None
    except (PermissionError, IsADirectoryError) as error:
        raise DeepJSCCError(f"{name}: {error.strerror}") from None
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        RuntimeError,
    ) as error:  # what Pillow's decoders raise on broken files
        raise DeepJSCCError(f"{name}: the image is truncated or broken ({error})") from None


@contextmanager
def _silent_libtiff() -> Iterator[None]:
    """Keep what libtiff prints of a broken file from standard error, past Python, for as long as one file is read."""
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, or no file descriptor left
        yield
        return
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
