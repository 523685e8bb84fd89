"""JPEG2000 (OpenJPEG through Pillow): raw codestream, 9/7 wavelet, colour transform on."""

import math

from PIL import Image

from deepjscc.digital.codecs.base import LevelCodec, Source, save_bytes
from deepjscc.types import Image8


class JPEG2000(LevelCodec):
    """JPEG2000 at any rate: the level is a compression factor in steps of half a percent, 20,000 down to 1."""

    STEP = math.log(1.005)
    levels = range(math.ceil(math.log(20_000) / STEP) + 1)
    growth = STEP
    enough = 0.99

    def compress(self, picture: Image.Image, level: int, variant: None) -> bytes:
        """Code to a target of bytes, which OpenJPEG meets to within a percent and need not undercut."""
        return save_bytes(
            picture,
            "JPEG2000",
            no_jp2=True,  # the codestream alone, without the boxes of the JP2 file
            mct=1,  # off by default in Pillow; worth 3 to 5 dB on photographs
            irreversible=True,
            quality_mode="rates",
            quality_layers=[math.exp(self.STEP * (self.levels[-1] - level))],
            num_resolutions=min(6, 1 + int(math.log2(min(picture.size)))),
        )

    def likely_level(self, picture: Image.Image, max_bytes: int) -> int:
        """The level of the compression factor that makes just so many bytes."""
        factor = 3 * picture.width * picture.height / max(1, max_bytes)
        return min(max(self.levels[-1] - math.ceil(math.log(max(1.0, factor)) / self.STEP), 0), self.levels[-1])

    def near(self, image: Image8, budget: int) -> bytes | None:
        """The coding for which OpenJPEG is asked for this rate."""
        source = Source(image)
        return self.code(source, self.likely_level(source.picture, budget), 0)

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the tiles' data: between each start-of-data marker and the end of its tile part."""
        payload, position = 0, data.index(b"\xff\x90")  # start of tile part
        while data[position : position + 2] == b"\xff\x90":
            length = int.from_bytes(data[position + 6 : position + 10], "big")
            length = length or len(data) - 2 - position  # zero: until the end marker
            start = data.index(b"\xff\x93", position) + 2
            payload += position + length - start
            position += length
        return payload
