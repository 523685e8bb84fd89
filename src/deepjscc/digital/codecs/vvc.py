"""VVC (H.266) intra, by the ffmpeg that imageio-ffmpeg brings along (libvvenc; extra ``[vvc]``).

That ffmpeg is a program under the GPL; it is run as a program, and nothing of it is part of this package.
"""

import math
import subprocess
from functools import cached_property

import numpy as np
from PIL import Image

from deepjscc.digital.codecs.avif import AVIF
from deepjscc.digital.codecs.base import Source
from deepjscc.digital.codecs.drafted import DraftedCodec
from deepjscc.digital.codecs.ycbcr import FORM, from_planes, size_from_bytes, size_to_bytes, to_planes
from deepjscc.errors import DeepJSCCError
from deepjscc.types import Image8, Size

_QUIET = ("-hide_banner", "-loglevel", "error", "-threads", "1")
_RAW = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le")
_ENCODER = ("-c:v", "libvvenc", "-preset", "fast", "-qpa", "0")  # qpa trades PSNR for looks
_BITS, _MULTIPLE, _SMALLEST = 10, 8, 16
_CHROMA_OFFSET = -4  # of the chroma's QP; from here to -7 the PSNR of RGB at a given size is highest on Kodak
# A fraction of a QP is a change of the Lagrange multiplier at the nearest integer QP: measured on Kodak, the factor e
# makes as many bytes as 2.8 steps of QP, and up to half a step costs less than 0.03 dB.
_QP_PER_LOG_LAMBDA = 2.8


class VVC(DraftedCodec):
    """One VVC intra picture as a raw stream, 10 bits, 4:2:0 only: libvvenc through ffmpeg takes nothing else.

    QP 63 (level 0) to 0, eight levels a step. libvvenc costs seconds at every level; its drafts are AVIF's, whose size
    and error grow alike.
    """

    STEPS = 8
    levels = range(63 * STEPS + 1)
    stride = 4 * STEPS
    growth = 0.12 / STEPS

    @cached_property
    def drafter(self) -> AVIF:
        """Its quickest drafts stand in for libvvenc's."""
        return AVIF(container=False)

    def draft(self, source: Source, level: int, variant: int) -> bytes:
        """An AVIF draft at the quantiser that corresponds to this level."""
        share = level / self.levels[-1]
        steps = AVIF.levels[-1] // AVIF.STEPS
        return self.drafter.draft(source, round(share * steps) * AVIF.STEPS + AVIF.PLAIN, 0)

    @cached_property
    def _ffmpeg(self) -> str:
        """The path of an ffmpeg with libvvenc in it."""
        try:
            import imageio_ffmpeg
        except ImportError:
            raise DeepJSCCError("vvc needs imageio-ffmpeg: pip install 'deepjscc[vvc]'") from None
        try:
            return str(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError:
            raise DeepJSCCError("vvc: imageio-ffmpeg has no ffmpeg here: pip install 'deepjscc[vvc]'") from None

    @cached_property
    def settings(self) -> str:
        """What ffmpeg says of its version and build, and every setting.

        Raises:
            DeepJSCCError: no imageio-ffmpeg, no ffmpeg in it, or none with libvvenc.
        """
        version = _run([self._ffmpeg, "-version"], b"").decode(errors="replace")
        if "--enable-libvvenc" not in version:
            raise DeepJSCCError(f"vvc needs an ffmpeg with libvvenc, not {self._ffmpeg}: pip install 'deepjscc[vvc]'")
        return f"{version} {_ENCODER} {self.STEPS} {_CHROMA_OFFSET} {_QP_PER_LOG_LAMBDA} {FORM}"

    def compress(self, picture: Image.Image, level: int, variant: None) -> bytes:
        """Code at one level; the size of the picture stands before the stream in 4 bytes, as padding hides it."""
        planes = to_planes(picture, "4:2:0", bits=_BITS, multiple=_MULTIPLE, smallest=_SMALLEST)
        height, width = planes[0].shape
        raw = b"".join(plane.astype("<u2").tobytes() for plane in planes)
        qp = 63 - level / self.STEPS
        nearest = math.floor(qp + 0.5)
        params = (
            f"AccessUnitDelimiter=0:CbQpOffset={_CHROMA_OFFSET}:CrQpOffset={_CHROMA_OFFSET}"
            f":CbCrQpOffset={_CHROMA_OFFSET}:LambdaModifierI={math.exp((qp - nearest) / _QP_PER_LOG_LAMBDA):.6f}"
        )
        source = (*_RAW, "-s", f"{width}x{height}", "-r", "1", "-i", "-")
        coded = ("-qp", str(nearest), "-vvenc-params", params, "-f", "vvc", "-")
        stream = _run([self._ffmpeg, *_QUIET, *source, "-threads", "1", *_ENCODER, *coded], raw)
        if not stream:
            raise DeepJSCCError(f"vvc: ffmpeg coded nothing of a {picture.width}x{picture.height} picture")
        return size_to_bytes(picture) + stream

    def decode(self, data: bytes) -> Image8:
        """Undo :meth:`compress`."""
        size = size_from_bytes(data)
        height, width = _padded(size)
        raw = _run([self._ffmpeg, *_QUIET, "-f", "vvc", "-i", "-", *_RAW, "-"], data[4:])
        samples = np.frombuffer(raw, "<u2")
        if samples.size != height * width * 3 // 2:
            raise DeepJSCCError("vvc: the stream is truncated or broken")
        luma, chroma = samples[: height * width], samples[height * width :].reshape(2, height // 2, width // 2)
        return from_planes([luma.reshape(height, width), *chroma], size, bits=_BITS)

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the slices and of what adapts to the picture: without the size and the parameter sets."""
        payload = 0
        for unit in data[4:].split(b"\x00\x00\x01")[1:]:
            kind = unit[1] >> 3
            if kind < 12 or kind in (17, 18, 19):  # slices; filters (APS) and header of the picture
                payload += len(unit) + 3
        return payload


def _padded(size: Size) -> Size:
    height, width = (max(side + -side % _MULTIPLE, _SMALLEST) for side in size)
    return height, width


def _run(command: list[str], given: bytes) -> bytes:
    """What a program writes to its standard output."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False)
    except OSError as error:
        raise DeepJSCCError(f"vvc: {command[0]} does not run: {error.strerror}") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise DeepJSCCError(f"vvc: ffmpeg failed: {lines[-1]}")
    return done.stdout
