"""WebP, lossy (libwebp through Pillow; always 4:2:0)."""

from PIL import Image

from deepjscc.digital.codecs.base import LevelCodec, save_bytes


class WebP(LevelCodec):
    """Lossy WebP, quality 0 to 100."""

    levels = range(101)
    growth = 0.025
    RIFF_HEADER = 20  # RIFF and chunk header

    def compress(self, picture: Image.Image, level: int, variant: None) -> bytes:
        """Code at one quality, the slowest of libwebp's methods but for size search."""
        return save_bytes(picture, "WEBP", quality=level, method=5)

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the VP8 stream."""
        return len(data) - self.RIFF_HEADER
