"""HEVC intra (x265 inside PyAV, extra ``[digital]``): the equivalent of BPG, which is HEVC intra in a small box.

The x265 inside PyAV's wheels is under the GPL; nothing of it is part of this package.
"""

import io
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.digital.codecs.ycbcr import FORM, from_planes, size_from_bytes, size_to_bytes, to_planes
from deepjscc.errors import DeepJSCCError
from deepjscc.types import Image8

_PRESET, _TUNE = "slow", "psnr"  # slower presets gain 0.01 to 0.03 dB on Kodak for half as much time again
_X265 = "log-level=none:info=0:hash=0:aud=0:keyint=1:ipratio=1:range=full:pools=none:frame-threads=1"
# At these offsets of the chroma's QP from the luma's the PSNR of RGB at a given size is flat, and highest: half-size
# chroma errs over four pixels a sample and wants finer steps.
_FIRST_OFFSET = {"4:4:4": 0, "4:2:0": -4}


class HEVC(LevelCodec):
    """One x265 intra picture as a raw stream, 8 bits, 4:4:4 and 4:2:0 tried against each other.

    Four levels make one step of QP, 51 (level 0) to 0: the luma's QP holds while the chroma's falls by one a level. How
    finely that divides a step depends on how much of the bytes is chroma: a third of them to next to none.
    """

    STEPS = 4
    levels = range(52 * STEPS)
    variants = ("4:4:4", "4:2:0")
    stride = 4 * STEPS

    @property
    def settings(self) -> str:
        """Versions of PyAV and libavcodec (a build of them holds one x265), and every setting."""
        av = _av()
        return f"{av.__version__} {av.library_versions} {_PRESET} {_TUNE} {_X265} {_FIRST_OFFSET} {self.STEPS} {FORM}"

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one level; the size of the picture stands before the stream in 4 bytes, as padding hides it."""
        av = _av()
        # x265 takes no side below 16, and itself pads to its smallest coding units, of 8.
        planes = to_planes(picture, variant, bits=8, multiple=8, smallest=16)
        height, width = planes[0].shape
        pixels = "yuv444p" if variant == "4:4:4" else "yuv420p"
        frame = av.VideoFrame(width, height, pixels)
        for plane, values in zip(frame.planes, planes, strict=True):
            padded = np.zeros((plane.height, plane.line_size), np.uint8)
            padded[:, : plane.width] = values
            plane.update(padded.tobytes())
        context = av.CodecContext.create("libx265", "w")
        context.width, context.height, context.pix_fmt = width, height, pixels
        context.time_base = frame.time_base = Fraction(1)
        frame.pts = 0
        qp, step = 51 - level // self.STEPS, level % self.STEPS
        offset = _FIRST_OFFSET[variant] - step
        params = f"{_X265}:qp={qp}:cbqpoffs={offset}:crqpoffs={offset}"
        context.options = {"preset": _PRESET, "tune": _TUNE, "x265-params": params}
        packets = [bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]]
        return size_to_bytes(picture) + b"".join(packets)

    def decode(self, data: bytes) -> Image8:
        """Undo :meth:`compress`."""
        av = _av()
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


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise DeepJSCCError("hevc needs PyAV: pip install 'deepjscc[digital]'") from None
    if "libx265" not in av.codecs_available:
        raise DeepJSCCError("hevc needs a PyAV with x265 in it: pip install 'deepjscc[digital]'")
    av.logging.set_level(av.logging.ERROR)
    return av
