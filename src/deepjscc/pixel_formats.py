"""Pixel formats: any picture that Pillow opens becomes 8-bit sRGB, by what its file says of depth and colour.

Nothing is inferred from the values of the pixels. What a file does not say is refused.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from deepjscc.errors import DeepJSCCError

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # TIFF 6.0 tags
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # values of the tag SampleFormat
WHITE_IS_ZERO = 0  # value of the tag PhotometricInterpretation
SCALED_TO_16_BITS = ("PNG", "PPM", "JPEG2000")  # formats of which Pillow hands on 16 bits whatever the file's depth
FLOAT_LIMIT = 2.0  # floats beyond it are not a slight overshoot of white: the file counts in other units
GRID = 6  # levels a channel at which a colour profile is compared with sRGB


@dataclass(frozen=True)
class Encoding:
    """The encoding of pixel values that a file states.

    Attributes:
        white: value of white in a picture of one channel deeper than 8 bits; None where the file does not say it.
        inverted: whether 0 is white.
        profile: ICC profile, empty for sRGB.
    """

    white: float | None
    inverted: bool
    profile: bytes


def encoding(picture: Image.Image) -> Encoding:
    """What the file of a freshly opened picture says of its values."""
    tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
    white: float | None = None
    if picture.mode == "F":
        white = 1.0
    elif picture.mode.startswith("I") and picture.format == "TIFF":
        bits = tags.get(BITS_PER_SAMPLE, (16,))[0]
        form = tags.get(SAMPLE_FORMAT, (UNSIGNED,))[0]
        white = None if bits > 16 else float((1 << bits - (form == SIGNED)) - 1)
    elif picture.mode.startswith("I;16") or picture.format in SCALED_TO_16_BITS:
        white = 65535.0
    inverted = picture.mode[0] in "IF" and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
    return Encoding(white, inverted, picture.info.get("icc_profile") or b"")


def to_srgb(picture: Image.Image, said: Encoding) -> Image.Image:
    """A loaded picture as 8-bit RGB in the sRGB colour space, alpha laid over white.

    Args:
        picture: of any mode that Pillow has.
        said: :func:`encoding` of its file.

    Raises:
        DeepJSCCError: the file does not say what white is, holds values that are no colours, or has a broken profile.
    """
    if picture.mode == "RGB" and not said.profile and "transparency" not in picture.info:
        return picture  # Pillow would copy even so, and a large picture is no place for copies
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8bit_grey(picture, said)
    alpha = None
    if picture.has_transparency_data:
        picture = _with_alpha(picture)
        alpha = picture.getchannel("A")
        picture = picture.convert("L" if picture.mode == "LA" else "RGB")
    if picture.mode in ("1", "P", "PA", "HSV", "YCbCr", "RGBX"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    picture = _through_profile(picture, said.profile)
    if alpha is None:
        return picture
    white = Image.new("RGB", picture.size, "white")
    return Image.composite(picture, white, alpha)


def _to_8bit_grey(picture: Image.Image, said: Encoding) -> Image.Image:
    if said.white is None:
        raise DeepJSCCError("32-bit integers do not say which value is white; store the picture in 8 or 16 bits")
    values = np.asarray(picture, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DeepJSCCError("the picture holds NaN or infinite values; replace them")
    if picture.mode == "F" and values.size and max(values.max(), -values.min()) > FLOAT_LIMIT:
        raise DeepJSCCError(f"floats up to {np.abs(values).max():g} are not in [0, 1], where 1 is white; scale them")
    values = values * (255 / said.white)
    if said.inverted:
        values = 255 - values
    return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))


def _with_alpha(picture: Image.Image) -> Image.Image:
    """A picture with transparency as LA or RGBA, not premultiplied."""
    if picture.mode == "La":
        return picture.convert("LA")
    return picture if picture.mode in ("LA", "RGBA") else picture.convert("RGBA")


def _through_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    """Colours of an ICC profile, or of CIE LAB, as sRGB."""
    try:
        if picture.mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return picture.convert("RGB")
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and picture.mode == "L":
            picture = picture.convert("RGB")
        if picture.mode == "RGB" and _is_srgb(_transform(source, "RGB")):
            return picture
        return _transform(source, picture.mode)(picture)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise DeepJSCCError(f"its colour profile cannot be used ({error}); store the picture in sRGB") from None


def _transform(source: ImageCms.ImageCmsProfile, mode: str) -> Callable[[Image.Image], Image.Image]:
    """From a profile's colours, held in a mode, to sRGB by relative colorimetry."""
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", intent)

    def apply(picture: Image.Image) -> Image.Image:
        made = ImageCms.applyTransform(picture, transform)
        assert made is not None  # it is None only where the picture is changed in place
        return made

    return apply


def _is_srgb(transform: Callable[[Image.Image], Image.Image]) -> bool:
    """Return whether a profile's colours are those of sRGB within one level; then pixels stay exactly as they are."""
    levels = np.linspace(0, 255, GRID).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    made = np.asarray(transform(Image.fromarray(cube)))
    return int(np.abs(made.astype(int) - cube.astype(int)).max()) <= 1
