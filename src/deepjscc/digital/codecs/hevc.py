"""HEVC intra, 4:4:4 (x265 inside PyAV, extra ``[digital]``): the equivalent of BPG, which is HEVC intra in a small box.

The x265 inside PyAV's wheels is under the GPL; nothing of it is part of this package.
"""

import io
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from PIL import Image

from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.errors import DeepJSCCError
from deepjscc.types import Image8

# JPEG's full-range BT.601 matrix: 8-bit RGB to Y, Cb, Cr.
_FORWARD = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_INVERSE = np.linalg.inv(_FORWARD)
_X265 = "log-level=none:info=0:hash=0:aud=0:keyint=1:ipratio=1:range=full:pools=none:frame-threads=1"


class HEVC(LevelCodec):
    """One x265 intra picture as a raw stream, QP 51 (level 0) to 0 (level 51)."""

    levels = range(52)
    SMALLEST = 16  # x265 takes no smaller side: smaller pictures are padded by repeating their edge

    def compress(self, picture: Image.Image, level: int, variant: None) -> bytes:
        """Code at one QP; the size of the picture stands before the stream in 4 bytes, as padding hides it."""
        av = _av()
        rgb = np.asarray(picture, dtype=np.float64)
        height, width = rgb.shape[:2]
        pads = [(0, max(self.SMALLEST - side, 0)) for side in (height, width)]
        ycc = np.rint(np.pad(rgb, [*pads, (0, 0)], mode="edge") @ _FORWARD.T + [0, 128, 128]).clip(0, 255)
        frame = av.VideoFrame.from_ndarray(ycc.astype(np.uint8).transpose(2, 0, 1).copy(), format="yuv444p")
        context = av.CodecContext.create("libx265", "w")
        context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuv444p"
        context.time_base = frame.time_base = Fraction(1)
        frame.pts = 0
        context.options = {"preset": "slow", "tune": "psnr", "x265-params": f"{_X265}:qp={51 - level}"}
        packets = [bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]]
        return height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"".join(packets)

    def decode(self, data: bytes) -> Image8:
        """Undo :meth:`compress`."""
        av = _av()
        height, width = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        with av.open(io.BytesIO(data[4:]), format="hevc") as stream:
            frame = next(stream.decode(video=0))
        ycc = frame.to_ndarray(format="yuv444p").astype(np.float64).transpose(1, 2, 0)
        rgb = np.rint((ycc - [0, 128, 128]) @ _INVERSE.T).clip(0, 255).astype(np.uint8)
        return torch.from_numpy(rgb[:height, :width].copy()).permute(2, 0, 1).contiguous()

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the slices: without the size and the video, sequence and picture parameter sets."""
        payload = 0
        for unit in data[4:].split(b"\x00\x00\x01")[1:]:
            kind = unit[0] >> 1 & 63
            if kind < 32:  # a coded slice
                payload += len(unit) + 3
        return payload


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise DeepJSCCError("hevc needs PyAV: pip install 'deepjscc[digital]'") from None
    if "libx265" not in av.codecs_available:
        raise DeepJSCCError("hevc needs a PyAV with x265 in it: pip install 'deepjscc[digital]'")
    av.logging.set_level(av.logging.ERROR)
    return av
