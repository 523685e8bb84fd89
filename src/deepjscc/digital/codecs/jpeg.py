"""JPEG (libjpeg-turbo through Pillow), 4:2:0 and 4:4:4 tried against each other."""

from PIL import Image

from deepjscc.digital.codecs.base import LevelCodec, save_bytes


class JPEG(LevelCodec):
    """Baseline JPEG, quality 1 to 100.

    With the container counted Huffman tables are optimised per image; without it they are the standard's, known to
    the receiver, and only the entropy-coded bytes count.
    """

    levels = range(1, 101)
    variants = ("4:2:0", "4:4:4")

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one quality."""
        return save_bytes(picture, "JPEG", quality=level, subsampling=variant, optimize=self.container)

    def payload_bytes(self, data: bytes) -> int:
        """Entropy-coded bytes: what follows the scan header, without the end marker."""
        position = 2
        while data[position + 1] != 0xDA:  # start of scan
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        return len(data) - position - 2
