"""A coarse picture as a small WebP picture without its file header, enlarged by the receiver."""

import io
import math

from PIL import Image

from deepjscc.digital.codecs.base import save_bytes
from deepjscc.errors import DeepJSCCError
from deepjscc.types import Size

_BITS_A_PIXEL = (0.4, 0.75)  # of the small picture; between these the error of the enlarged picture is least on Kodak
_LARGEST_SCALE = 255
_RIFF_HEADER = 20


def encode_thumbnails(picture: Image.Image, max_bytes: int) -> list[bytes]:
    """Small pictures at several scales, each of the highest quality that fits ``max_bytes`` bytes."""
    found = []
    for scale in sorted({_scale(picture.size, bits, max_bytes) for bits in _BITS_A_PIXEL}):
        small = picture.resize(_small(picture.size, scale), Image.Resampling.LANCZOS)
        low, high, best = -1, 101, None
        while high - low > 1:
            quality = (low + high) // 2
            data = bytes([scale]) + save_bytes(small, "WEBP", quality=quality, method=4)[_RIFF_HEADER:]
            low, high, best = (quality, high, data) if len(data) <= max_bytes else (low, quality, best)
        found += [best] if best is not None else []
    return found


def decode_thumbnail(data: bytes, size: Size) -> Image.Image:
    """Decode and enlarge to ``size`` = (height, width).

    Raises:
        DeepJSCCError: data that is no such picture, or one of another size.
    """
    if len(data) < 2 or not data[0]:
        raise DeepJSCCError("coarse picture: the data is truncated or broken")
    chunk = data[1:]
    riff = b"RIFF" + (12 + len(chunk)).to_bytes(4, "little") + b"WEBPVP8 " + len(chunk).to_bytes(4, "little") + chunk
    try:
        small = Image.open(io.BytesIO(riff))
        if small.size != _small((size[1], size[0]), data[0]):
            raise DeepJSCCError("coarse picture: the data is of a picture of another size")
        return small.convert("RGB").resize((size[1], size[0]), Image.Resampling.BICUBIC)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise DeepJSCCError("coarse picture: the data is truncated or broken") from None


def _scale(size: tuple[int, int], bits_a_pixel: float, max_bytes: int) -> int:
    scale = math.sqrt(size[0] * size[1] * bits_a_pixel / (8 * max_bytes))
    return min(max(round(scale), 1), _LARGEST_SCALE)


def _small(size: tuple[int, int], scale: int) -> tuple[int, int]:
    return max(1, size[0] // scale), max(1, size[1] // scale)
