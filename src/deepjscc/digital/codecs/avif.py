"""AVIF (libavif through Pillow), 4:2:0 and 4:4:4 tried against each other."""

from PIL import Image

from deepjscc.digital.codecs.base import LevelCodec, save_bytes


class AVIF(LevelCodec):
    """AVIF, quality 0 to 100."""

    levels = range(101)
    variants = ("4:2:0", "4:4:4")

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one quality."""
        return save_bytes(picture, "AVIF", quality=level, subsampling=variant, speed=6)

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the media data box: the AV1 stream."""
        position = 0
        while position < len(data):
            length = int.from_bytes(data[position : position + 4], "big") or len(data) - position
            if data[position + 4 : position + 8] == b"mdat":
                return length - 8
            position += length
        return len(data)
