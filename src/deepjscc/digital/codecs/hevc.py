"""HEVC intra (x265 inside PyAV, extra ``[digital]``): the equivalent of BPG, which is HEVC intra in a small box."""

import io
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepjscc.digital.codecs import x265
from deepjscc.digital.codecs.base import Source
from deepjscc.digital.codecs.drafted import DraftedCodec
from deepjscc.digital.codecs.ycbcr import FORM, from_planes, size_from_bytes, size_to_bytes, to_planes
from deepjscc.errors import DeepJSCCError
from deepjscc.types import Image8

_PRESET, _DRAFT_PRESET = "slow", "ultrafast"  # slower presets gain 0.01 to 0.03 dB on Kodak for half the time again
# At these offsets of the chroma's QP from the luma's the PSNR of RGB at a given size is highest on Kodak: half-size
# chroma errs over four pixels a sample and wants finer steps.
_CHROMA_OFFSET = {"4:4:4": 0, "4:2:0": -4}
_FORMS = tuple((variant, preset) for preset in (_PRESET, _DRAFT_PRESET) for variant in ("4:2:0", "4:4:4"))
# Up to here the parameter sets, about 80 bytes, are left out and made anew by the receiver, which codes a blank picture
# for it; beyond, they do not matter.
_STRIPPED_PIXELS = 2**22
_BROKEN = "hevc: the stream is truncated or broken"


class HEVC(DraftedCodec):
    """One x265 intra picture as a raw stream, 8 bits, 4:4:4 or 4:2:0, whichever has less error by the drafts.

    Eight levels make one step of QP, 51 (level 0) to 0 (see :mod:`deepjscc.digital.codecs.x265`).
    """

    STEPS = 8
    levels = range(51 * STEPS + 1)
    variants = ("4:2:0", "4:4:4")
    stride = 4 * STEPS
    growth = 0.12 / STEPS
    typical_ratio = 0.87
    gains_over_drafts_db = (0.0, 0.1)  # measured on five photographs: 0.02 to 0.25 dB

    @property
    def settings(self) -> str:
        """Versions of PyAV and libavcodec (a build of them holds one x265), and every setting."""
        av = x265.load_av()
        own = f"{_PRESET} {_CHROMA_OFFSET} {self.STEPS} {x265.QP_PER_LOG_LAMBDA} {FORM}"
        return f"{av.__version__} {av.library_versions} {x265.PARAMS} {own}"

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one level.

        The size of the picture stands before the stream in 4 bytes, as padding hides it, and one byte with the form:
        0 for all of x265's stream, else the chroma format and preset of a stream without parameter sets, which the
        receiver makes anew. One byte of their checksum follows.
        """
        return self._coded(picture, level, variant, _PRESET)

    def draft(self, source: Source, level: int, variant: int) -> bytes:
        """Code with the quickest preset."""
        return self._coded(source.picture, level, self.variants[variant], _DRAFT_PRESET)

    def _coded(self, picture: Image.Image, level: int, variant: str, preset: str) -> bytes:
        stream = _encode(picture, 51 - level / self.STEPS, variant, preset)
        if picture.width * picture.height > _STRIPPED_PIXELS:
            return size_to_bytes(picture) + b"\0" + stream
        parameters, slices = x265.split(stream)
        return size_to_bytes(picture) + bytes([1 + _FORMS.index((variant, preset)), _checksum(parameters)]) + slices

    def decode(self, data: bytes) -> Image8:
        """Undo :meth:`compress`."""
        av = x265.load_av()
        try:
            with av.open(io.BytesIO(self._whole_stream(data)), format="hevc") as stream:
                frame = next(stream.decode(video=0))
        except (av.error.FFmpegError, StopIteration, IndexError):  # the last for a stream without a picture
            raise DeepJSCCError(_BROKEN) from None
        size = size_from_bytes(data)
        if frame.height < size[0] or frame.width < size[1]:
            raise DeepJSCCError(_BROKEN)
        return from_planes([_values(plane) for plane in frame.planes], size, bits=8)

    def _whole_stream(self, data: bytes) -> bytes:
        """The stream with its parameter sets."""
        if len(data) < 7 or data[4] > len(_FORMS):
            raise DeepJSCCError(_BROKEN)
        if data[4] == 0:
            return data[5:]
        height, width = size_from_bytes(data)
        if not 0 < height * width <= _STRIPPED_PIXELS:
            raise DeepJSCCError(_BROKEN)
        parameters = _parameter_sets(height, width, *_FORMS[data[4] - 1])
        if _checksum(parameters) != data[5]:
            raise DeepJSCCError("hevc: the stream is broken, or another x265 made it than the one installed here")
        return parameters + b"\0\0\1" + data[6:]

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the slices: without the size and the video, sequence and picture parameter sets."""
        return len(data) - 6 if data[4] else len(x265.split(data[5:])[1])


def _encode(picture: Image.Image, qp: float, variant: str, preset: str) -> bytes:
    """x265's stream of a picture."""
    # x265 takes no side below 16, and itself pads to its smallest coding units, of 8.
    planes = to_planes(picture, variant, bits=8, multiple=8, smallest=16)
    return x265.encode_planes(
        [plane.astype(np.uint8) for plane in planes],
        qp,
        chroma_offset=_CHROMA_OFFSET[variant],
        preset=preset,
        chroma_444=variant == "4:4:4",
    )


@lru_cache(maxsize=64)
def _parameter_sets(height: int, width: int, variant: str, preset: str) -> bytes:
    """Those that x265 writes for every picture of one size, taken from a blank one."""
    return x265.split(_encode(Image.new("RGB", (width, height)), 32.0, variant, preset))[0]


def _checksum(parameters: bytes) -> int:
    return zlib.crc32(parameters) & 255


def _values(plane: Any) -> NDArray[np.uint8]:
    """A plane of 8-bit samples without the padding of its lines."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
