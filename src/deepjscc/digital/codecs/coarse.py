"""A coarse picture in a few hundred bytes: its lowest frequencies, or a small WebP picture, whichever has less error.

For the former, the picture in an orthonormal colour space is transformed by one DCT over its whole area. The
coefficients of low frequency are quantised uniformly, with a dead zone, and range-coded as two-sided geometric
variables whose scale falls as a power of the frequency; level and exponent of the power law are fitted per colour and
sent. The decoder evaluates the cosines at every pixel, so that enlarging and decoding are one step. Beside the range
coder's bytes there are 7: the quantiser, the mean colour, and the law of each colour; or 4, the mean colour alone.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from deepjscc.digital.codecs.thumbnail import decode_thumbnail, encode_thumbnails
from deepjscc.errors import DeepJSCCError
from deepjscc.images import from_picture, to_picture
from deepjscc.types import Image8, Size

_HEADER = 7  # bytes: quantiser, mean colour, law of each colour
_SIDE = 128  # frequencies of each direction that can be coded
_THUMBNAIL = 255  # first byte of a small picture, in place of a quantiser
_STEPS = _THUMBNAIL  # quantiser steps, 24 to a factor of 2
_COARSEST = 64.0
_ROUND, _SHRINK = 0.35, 0.06  # dead zone and reconstruction towards zero that maximise PSNR on Kodak
_LARGEST = 255  # magnitude of a quantised coefficient
_CLASSES = 24  # scales of the geometric variable, two to a factor of 2; class 0 is not coded
_UNIT = 11  # the class of scale 1
_LEVELS, _SLOPES = 32, 8  # of the law; five and three bits
_LEFT_OUT = 8.0  # bits that a quantised value of 1 is worth
_EDGES = np.array([math.isqrt(math.isqrt(2 ** (quarter + 16))) for quarter in range(1, 200)])
# Orthonormal: the sum of squared errors is that of RGB.
_COLOURS = np.array([[2, 2, 2], [6**0.5, 0, -(6**0.5)], [2**0.5, -2 * 2**0.5, 2**0.5]]) / 12**0.5


def encode_coarse(image: Image8, max_bytes: int) -> bytes | None:
    """Code the coarse picture of least error in at most ``max_bytes`` bytes.

    Args:
        image: 8-bit picture of any size.
        max_bytes: all bytes of the result; the size of the picture is not among them.

    Returns:
        None below 4 bytes, which the mean colour alone takes.
    """
    if max_bytes < 4:
        return None
    size = (image.shape[1], image.shape[2])
    codings = [_encode_spectrum(image.cpu().numpy(), max_bytes)]
    codings += [bytes([_THUMBNAIL]) + data for data in encode_thumbnails(to_picture(image), max_bytes - 1)]
    return min(codings, key=lambda data: (decode_coarse(data, size).float() - image.float()).square().mean().item())


def _encode_spectrum(image: NDArray[np.uint8], max_bytes: int) -> bytes:
    """The finest quantiser that fits, or the mean colour alone."""
    coefficients = _analyse(image)
    size = (image.shape[1], image.shape[2])
    best, low, high = None, -1, _STEPS
    while high - low > 1:
        step = (low + high) // 2
        data = _encode_at(coefficients, step, size, max_bytes)
        low, high, best = (step, high, data) if data is not None else (low, step, best)
    for step in range(high + 1, min(high + 6, _STEPS)):  # sizes dip where the fitted laws change
        data = _encode_at(coefficients, step, size, max_bytes)
        best = best if data is None else data
    return best if best is not None else _means(coefficients)


def decode_coarse(data: bytes, size: Size) -> Image8:
    """The coarse picture at its full size.

    Args:
        data: from :func:`encode_coarse`.
        size: (height, width) of the picture.

    Raises:
        DeepJSCCError: data that is no coarse picture.
    """
    if len(data) < 4:
        raise DeepJSCCError("coarse picture: the data is truncated")
    if data[0] == _THUMBNAIL:
        return from_picture(decode_thumbnail(data[1:], size))
    height, width = size
    bands = np.zeros((3, min(height, _SIDE), min(width, _SIDE)))
    if len(data) > 4:
        if len(data) < _HEADER:
            raise DeepJSCCError("coarse picture: the data is truncated or broken")
        laws = [_Law.from_byte(value) for value in data[4:_HEADER]]
        symbols = _range_decode(data[_HEADER:], laws, size)
        bands = (symbols - _SHRINK * np.sign(symbols)) * _quantiser(data[0])
    means = np.frombuffer(data[1:4], np.uint8).astype(float)
    bands[:, 0, 0] = _COLOURS @ means
    rows, columns = _cosines(height, bands.shape[1]).T, _cosines(width, bands.shape[2])
    planes = [(rows * height) @ (band @ (columns * width)) for band in bands]
    image = np.empty((3, height, width), np.uint8)
    for colour in range(3):
        mixed = sum(_COLOURS[plane, colour] * planes[plane] for plane in range(3))
        image[colour] = np.rint(mixed).clip(0, 255)
    return torch.from_numpy(image)


@dataclass(frozen=True)
class _Law:
    """Scale of the quantised coefficients over frequency: class ``level - slope * log2(frequency) / 2``.

    Attributes:
        level: class at the lowest frequency, 0 to 31; above the highest class it is that class for longer.
        slope: amplitudes fall with the frequency to the power -(slope + 2) / 4; 0 to 7.
    """

    level: int
    slope: int

    def classes(self, octaves: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class of each frequency (in eighths of an octave); 0 where nothing is coded."""
        return np.clip(self.level - ((self.slope + 2) * octaves >> 4), 0, _CLASSES - 1)

    def to_byte(self) -> int:
        """Five bits of level and three of slope."""
        return self.level << 3 | self.slope

    @classmethod
    def from_byte(cls, value: int) -> "_Law":
        """Undo :meth:`to_byte`."""
        return cls(value >> 3, value & 7)


def _cosines(samples: int, count: int) -> NDArray[np.float64]:
    """The first ``count`` functions of a DCT over ``samples``, scaled so that their products are averages."""
    angles = np.arange(count)[:, None] * (np.arange(samples) + 0.5) * (math.pi / samples)
    scale = np.where(np.arange(count)[:, None] > 0, math.sqrt(2), 1.0)
    return scale * np.cos(angles) / samples


def _analyse(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Coefficients of each colour; the mean squared error of RGB is a third of their squared error."""
    _, height, width = image.shape
    rows = _cosines(height, min(height, _SIDE))
    columns = _cosines(width, min(width, _SIDE)).T
    bands = np.stack([rows @ (plane.astype(np.float64) @ columns) for plane in image])
    return np.einsum("ij,jhw->ihw", _COLOURS, bands)


def _means(coefficients: NDArray[np.float64]) -> bytes:
    """The mean colour alone."""
    means = np.rint(_COLOURS.T @ coefficients[:, 0, 0]).clip(0, 255).astype(np.uint8)
    return b"\0" + means.tobytes()


def _quantiser(step: int) -> float:
    return _COARSEST * 2 ** (-step / 24)


def _encode_at(coefficients: NDArray[np.float64], step: int, size: Size, max_bytes: int) -> bytes | None:
    """The coding with one quantiser, or None where it does not fit or a coefficient is too large."""
    scaled = np.abs(coefficients) / _quantiser(step)
    magnitudes = np.floor(scaled + _ROUND).astype(np.int64)
    magnitudes[:, 0, 0] = 0  # the means are sent apart
    if magnitudes.max() > _LARGEST:
        return None
    octaves = _octaves(size)
    laws = [_fit(octaves, plane) for plane in magnitudes]
    symbols = (np.sign(coefficients) * magnitudes).astype(np.int32)
    for plane, law in zip(symbols, laws, strict=True):
        plane[law.classes(octaves) == 0] = 0
    if not symbols.any():
        return _means(coefficients)
    header = bytes([step]) + _means(coefficients)[1:] + bytes(law.to_byte() for law in laws)
    data = header + _range_encode(symbols, laws, size)
    return data if len(data) <= max_bytes else None


def _octaves(size: Size) -> NDArray[np.int64]:
    """Frequency of each coefficient in eighths of an octave, by integers alone and so alike on all machines."""
    height, width = size
    rows, columns = np.arange(min(height, _SIDE)), np.arange(min(width, _SIDE))
    square = 16 * ((rows[:, None] * width) ** 2 + (columns * height) ** 2) // min(height, width) ** 2
    return np.searchsorted(_EDGES, square, side="right")


def _fit(octaves: NDArray[np.int64], magnitudes: NDArray[np.int64]) -> "_Law":
    """The law of the fewest bits."""
    top = int(octaves.max()) + 1
    pairs = octaves * (_LARGEST + 1) + magnitudes
    counts = np.bincount(pairs.ravel(), minlength=top * (_LARGEST + 1)).reshape(top, -1)
    bits = counts @ _bits().T  # of all coefficients of one frequency, by class
    laws, classes = _laws(top)
    # What class 0 leaves out is an error, which costs more than its bits; its price keeps the choice simple.
    return laws[int(np.take_along_axis(bits, classes.T, 1).sum(0).argmin())]


@cache
def _laws(top: int) -> tuple[list["_Law"], NDArray[np.int64]]:
    """All laws, and the class that each gives to frequencies below ``top``: ``[laws, frequencies]``."""
    laws = [_Law(level, slope) for level in range(_LEVELS) for slope in range(_SLOPES)]
    return laws, np.stack([law.classes(np.arange(top)) for law in laws])


@cache
def _probabilities() -> NDArray[np.float64]:
    """Of each quantised value in each class; sums and products alone, whose rounding is the same on all machines."""
    table = np.zeros((_CLASSES, 2 * _LARGEST + 1))
    table[0, _LARGEST] = 1
    for kind in range(1, _CLASSES):
        scale = 2.0 ** ((kind - _UNIT) // 2) * (1.4142135623730951 if (kind - _UNIT) % 2 else 1.0)
        ratio, value = scale / (1 + scale), 1.0
        for magnitude in range(_LARGEST + 1):
            table[kind, _LARGEST + magnitude] = table[kind, _LARGEST - magnitude] = value
            value *= ratio
        total = 0.0
        for value in table[kind].tolist():
            total += value
        table[kind] /= total
    return table


@cache
def _bits() -> NDArray[np.float64]:
    """Of each magnitude in each class; in class 0 every magnitude above 0 costs as if it were coded expensively."""
    bits = -np.log2(np.maximum(_probabilities()[:, _LARGEST:], 2.0**-22))
    bits[0] = _LEFT_OUT * np.arange(_LARGEST + 1)
    return bits


def _groups(laws: list["_Law"], size: Size) -> list[tuple[int, NDArray[np.bool_]]]:
    """Class and places of the coefficients that are coded with one model, in the order of the stream."""
    octaves = _octaves(size)
    classes = np.stack([law.classes(octaves) for law in laws])
    classes[:, 0, 0] = 0
    return [(kind, classes == kind) for kind in range(1, _CLASSES) if (classes == kind).any()]


def _range_encode(symbols: NDArray[np.int32], laws: list["_Law"], size: Size) -> bytes:
    import constriction

    encoder = constriction.stream.queue.RangeEncoder()
    for kind, places in _groups(laws, size):
        model = constriction.stream.model.Categorical(_probabilities()[kind], perfect=False)
        encoder.encode(symbols[places] + _LARGEST, model)
    return encoder.get_compressed().astype(">u4").tobytes().rstrip(b"\0")


def _range_decode(data: bytes, laws: list["_Law"], size: Size) -> NDArray[np.int32]:
    import constriction

    words = np.frombuffer(data + bytes(-len(data) % 4), ">u4").astype(np.uint32)
    decoder = constriction.stream.queue.RangeDecoder(words)
    symbols = np.zeros((3, min(size[0], _SIDE), min(size[1], _SIDE)), np.int32)
    try:
        for kind, places in _groups(laws, size):
            model = constriction.stream.model.Categorical(_probabilities()[kind], perfect=False)
            symbols[places] = decoder.decode(model, int(places.sum())) - _LARGEST
    except AssertionError:  # constriction's word for data that no encoder makes
        raise DeepJSCCError("coarse picture: the data is broken") from None
    return symbols
