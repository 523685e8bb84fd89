"""HEVC intra (x265 inside PyAV, extra ``[digital]``): the equivalent of BPG, which is HEVC intra in a small box."""

import io
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

    @property
    def settings(self) -> str:
        """Versions of PyAV and libavcodec (a build of them holds one x265), and every setting."""
        av = x265.load_av()
        own = f"{_PRESET} {_CHROMA_OFFSET} {self.STEPS} {x265.QP_PER_LOG_LAMBDA} {FORM}"
        return f"{av.__version__} {av.library_versions} {x265.PARAMS} {own}"

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one level; the size of the picture stands before the stream in 4 bytes, as padding hides it."""
        return self._coded(picture, level, variant, _PRESET)

    def draft(self, source: Source, level: int, variant: int) -> bytes:
        """Code with the quickest preset."""
        return self._coded(source.picture, level, self.variants[variant], _DRAFT_PRESET)

    def _coded(self, picture: Image.Image, level: int, variant: str, preset: str) -> bytes:
        # x265 takes no side below 16, and itself pads to its smallest coding units, of 8.
        planes = to_planes(picture, variant, bits=8, multiple=8, smallest=16)
        stream = x265.encode_planes(
            [plane.astype(np.uint8) for plane in planes],
            51 - level / self.STEPS,
            chroma_offset=_CHROMA_OFFSET[variant],
            preset=preset,
            chroma_444=variant == "4:4:4",
        )
        return size_to_bytes(picture) + stream

    def decode(self, data: bytes) -> Image8:
        """Undo :meth:`compress`."""
        av = x265.load_av()
        try:
            with av.open(io.BytesIO(data[4:]), format="hevc") as stream:
                frame = next(stream.decode(video=0))
        except (av.error.FFmpegError, StopIteration, IndexError):  # the last for a stream without a picture
            raise DeepJSCCError("hevc: the stream is truncated or broken") from None
        return from_planes([_values(plane) for plane in frame.planes], size_from_bytes(data), bits=8)

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the slices: without the size and the video, sequence and picture parameter sets."""
        payload = 0
        for unit in data[4:].split(b"\x00\x00\x01")[1:]:
            kind = unit[0] >> 1 & 63
            if kind < 32:  # a coded slice
                payload += len(unit) + 3
        return payload


def _values(plane: Any) -> NDArray[np.uint8]:
    """A plane of 8-bit samples without the padding of its lines."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
