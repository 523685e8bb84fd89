"""A codec of one's own: PNG with few colours, searched for the most that fit, behind an ideal channel code.

python examples/own_codec.py
"""

import torch
from PIL import Image

import deepjscc
from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.digital.codecs.base import LevelCodec, save_bytes
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.systems import Digital


class PalettePNG(LevelCodec):
    """PNG with a palette of 2 to 256 colours; the search for what fits is the base's."""

    levels = range(2, 257)

    def compress(self, picture: Image.Image, level: int, variant: None) -> bytes:
        """Code with ``level`` colours."""
        return save_bytes(picture.quantize(level), "PNG", optimize=True)

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the image data chunks: signature, header, palette and chunk frames left out."""
        position, payload = 8, 0
        while position < len(data):
            length = int.from_bytes(data[position : position + 4], "big")
            payload += length if data[position + 4 : position + 8] == b"IDAT" else 0
            position += 12 + length
        return payload


def main() -> None:
    """Send one photograph at three SNRs, with the codec's bits at the capacity of each."""
    photo = to_float(open_data("samples")[2])
    link = deepjscc.Link(Digital(PalettePNG(), AWGN()), AWGN(), bandwidth_ratio=1 / 6)
    for snr_db in (0.0, 10.0, 20.0):
        sent = link.transmit(photo, torch.tensor([snr_db]))
        arrived = "delivered" if sent.delivered.item() else "outage"
        print(f"{snr_db:g} dB: {arrived}, PSNR {psnr(photo, sent.images).item():.2f} dB")


if __name__ == "__main__":
    main()
