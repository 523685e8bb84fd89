"""AVIF (libaom through Pillow), tuned for PSNR, 4:2:0 or 4:4:4; the bytes are its AV1 stream behind a short head."""

from PIL import Image

from deepjscc.digital.codecs import av1_stream
from deepjscc.digital.codecs.base import Source, save_bytes
from deepjscc.digital.codecs.drafted import DraftedCodec
from deepjscc.types import Image8

# Quantisation matrices change the size a little and the PSNR at that size hardly: within 0.03 dB on Kodak. In this
# order they divide one step of the quantiser: 0.96, 0.985, 1 (no matrix) and 1.013 times the bytes.
_MATRICES = (10, 11, 15, 14)
# The filter and the small superblocks gain 0.1 to 0.2 dB on Kodak at no cost in time; both are off by default for
# still pictures at the quicker speeds.
_TUNED = {"tune": "psnr", "enable-cdef": "1", "sb-size": "64"}
_DRAFT_SPEED = 10


class AVIF(DraftedCodec):
    """AVIF, quantiser 63 (level 0) to 1, four levels a step; 4:2:0 or 4:4:4, whichever has less error by the drafts.

    Args:
        container: whether header bytes count.
        speed: of libaom; 4 gains 0.24 dB over 6 on Kodak in five to six times as much time.
    """

    STEPS = len(_MATRICES)
    PLAIN = _MATRICES.index(15)  # the step without a matrix
    levels = range(63 * STEPS)
    variants = ("4:2:0", "4:4:4")
    stride = 6 * STEPS
    growth = 0.07 / STEPS

    def __init__(self, container: bool = True, speed: int = 6) -> None:
        super().__init__(container)
        self.speed = speed

    @property
    def settings(self) -> str:
        """Version of libavif and libaom, and every setting."""
        from PIL import _avif  # the public interface gives no version of libaom

        return f"{_avif.libavif_version} {_avif.codec_versions()} {_TUNED} {_MATRICES} {self.speed}"

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one level."""
        return self._coded(picture, level, variant, self.speed)

    def draft(self, source: Source, level: int, variant: int) -> bytes:
        """Code at libaom's highest speed."""
        return self._coded(source.picture, level, self.variants[variant], _DRAFT_SPEED)

    def _coded(self, picture: Image.Image, level: int, variant: str, speed: int) -> bytes:
        quantiser, matrix = 63 - level // self.STEPS, _MATRICES[level % self.STEPS]
        advanced = {**_TUNED, "cq-level": str(quantiser)}
        if matrix < 15:
            advanced |= {"enable-qm": "1", "qm-min": str(matrix), "qm-max": str(matrix)}
        file = save_bytes(
            picture, "AVIF", quality=50, subsampling=variant, speed=speed, max_threads=1, advanced=advanced
        )
        return av1_stream.extract(file, variant)

    def decode(self, data: bytes) -> Image8:
        """Decode the AV1 stream in a file made around it."""
        return super().decode(av1_stream.restore(data))

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the AV1 stream, without the size of the picture and its chroma format."""
        return len(data) - av1_stream.head_bytes()


class AVIFSlow(AVIF):
    """AVIF at speed 4, for comparisons at full strength."""

    def __init__(self, container: bool = True) -> None:
        super().__init__(container, speed=4)
