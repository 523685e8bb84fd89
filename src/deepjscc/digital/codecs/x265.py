"""x265 inside PyAV: one intra picture of planes to a raw HEVC stream, at any real-valued QP.

The x265 inside PyAV's wheels is under the GPL; nothing of it is part of this package.
"""

import math
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepjscc.errors import DeepJSCCError

PARAMS = "log-level=none:info=0:hash=0:aud=0:keyint=1:ipratio=1:range=full:pools=none:frame-threads=1"
# A fraction of a QP is a change of the Lagrange multiplier at the nearest integer QP: measured on Kodak, the factor e
# makes as many bytes as 2.8 steps of QP, and up to half a step costs less than 0.02 dB.
QP_PER_LOG_LAMBDA = 2.8
# x265 holds its Lagrange multipliers in tables of the process, which an encoder with a lambda file overwrites for all
# that follow. Such an encoder runs alone and restores the tables; those at whole QPs run side by side.


class _Tables:
    """x265's tables of Lagrange multipliers: used by several encoders at once, or changed by one alone."""

    def __init__(self) -> None:
        self._users = 0
        self._changed = threading.Condition()

    @contextmanager
    def used(self) -> Iterator[None]:
        """While no encoder changes them."""
        with self._changed:
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other encoder runs: none starts before this one has ended."""
        with self._changed:
            self._changed.wait_for(lambda: not self._users)
            yield


_TABLES = _Tables()


def encode_planes(
    planes: list[NDArray[np.uint8]], qp: float, *, chroma_offset: int, preset: str, chroma_444: bool
) -> bytes:
    """Code one picture.

    Args:
        planes: Y, Cb, Cr of 8 bits; sides are multiples of 8 and at least 16.
        qp: of luma, 0 to 51; fractions are met by the Lagrange multiplier.
        chroma_offset: QP of the chroma less that of the luma.
        preset: of x265, always tuned for PSNR.
        chroma_444: whether chroma has the size of luma; else half of it on both sides.

    Raises:
        DeepJSCCError: PyAV is missing, or has no x265.
    """
    nearest = min(max(math.floor(qp + 0.5), 0), 51)
    params = f"{PARAMS}:qp={nearest}:cbqpoffs={chroma_offset}:crqpoffs={chroma_offset}"
    factor = math.exp((qp - nearest) / QP_PER_LOG_LAMBDA)
    if factor == 1:
        with _TABLES.used():
            return _encode(planes, chroma_444, preset, params)
    with tempfile.TemporaryDirectory(prefix="deepjscc-hevc-") as folder, _TABLES.alone():
        try:
            return _encode(planes, chroma_444, preset, f"{params}:{_lambda_file(Path(folder, 'scaled'), factor)}")
        finally:
            blank = [np.zeros((16, 16), np.uint8)] * 3
            _encode(blank, True, "ultrafast", f"{PARAMS}:qp=51:{_lambda_file(Path(folder, 'plain'), 1.0)}")


def split(stream: bytes) -> tuple[bytes, bytes]:
    """The parameter sets and the slices of a stream, the latter without their first start code.

    Raises:
        DeepJSCCError: a stream without a slice.
    """
    place = stream.find(b"\0\0\1")
    while 0 <= place < len(stream) - 3:
        if stream[place + 3] >> 1 & 63 < 32:  # a coded slice
            return stream[:place].rstrip(b"\0"), stream[place + 3 :]
        place = stream.find(b"\0\0\1", place + 3)
    raise DeepJSCCError("hevc: the stream is truncated or broken")


def load_av() -> Any:
    """PyAV with x265 in it.

    Raises:
        DeepJSCCError: it is missing.
    """
    try:
        import av
    except ImportError:
        raise DeepJSCCError("hevc needs PyAV: pip install 'deepjscc[digital]'") from None
    if "libx265" not in av.codecs_available:
        raise DeepJSCCError("hevc needs a PyAV with x265 in it: pip install 'deepjscc[digital]'")
    av.logging.set_level(av.logging.PANIC)  # what is wrong with a stream comes as an exception, and is said once
    return av


def _encode(planes: list[NDArray[np.uint8]], chroma_444: bool, preset: str, params: str) -> bytes:
    av = load_av()
    height, width = planes[0].shape
    form = "yuv444p" if chroma_444 else "yuv420p"
    frame = av.VideoFrame(width, height, form)
    for plane, values in zip(frame.planes, planes, strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = values
        plane.update(padded.tobytes())
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = width, height, form
    context.time_base = frame.time_base = Fraction(1)
    frame.pts = 0
    context.options = {"preset": preset, "tune": "psnr", "x265-params": params}
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def _lambda_file(path: Path, factor: float) -> str:
    """The parameter that names a file of x265's own multipliers (its constants.cpp), of which the error's is scaled."""
    of_sad = [f"{2 ** ((qp - 12) / 6) * factor**0.5:.6f}" for qp in range(70)]
    of_error = [f"{0.038 * math.exp(0.234 * qp) * factor:.6f}" for qp in range(70)]
    path.write_text("\n".join([*of_sad, *of_error]))
    escaped = str(path).replace("\\", "\\\\").replace(":", "\\:").replace("'", "\\'")
    return f"lambda-file={escaped}"
