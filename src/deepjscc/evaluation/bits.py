"""One picture as bits through a link that flips some of them, measured."""

import torch

from deepjscc.evaluation.quality import quality
from deepjscc.images import to_8bit, to_float
from deepjscc.systems.bit_link import encode_bits, flip_bits, receive_bits
from deepjscc.systems.transceivers import load_on_points
from deepjscc.types import Image8


@torch.no_grad()
def send_bits(
    image: Image8, model: str, bandwidth_ratio: float | None, error_rate: float, seed: int
) -> tuple[Image8, dict[str, object]]:
    """Send one picture as bits over a binary symmetric channel, whose error rate both ends know.

    Header and class map arrive without an error, as they do behind a code of their own; their bits are counted.

    Args:
        image: what to send.
        model: with a constellation, as ``universal-s@256qam``.
        bandwidth_ratio: complex symbols per source value; None takes the model's own.
        error_rate: probability that a bit is flipped.
        seed: of the flips.

    Returns:
        What came out, and its bits and quality for a table.

    Raises:
        UsageError: a model without a constellation, a ratio it does not make, or an error rate out of range.
    """
    transceiver, images = load_on_points(model), to_float(image)
    sent = encode_bits(transceiver, images, bandwidth_ratio, error_rate)
    received = flip_bits(sent.bits, error_rate, seed)
    side_info = tuple(layer.data for layer in sent.digital)
    decoded = receive_bits(transceiver, received, error_rate, side_info, (image.shape[1], image.shape[2])).images
    total, pixels = len(sent.bits) + sent.side_info_bits, image.shape[1] * image.shape[2]
    measured = {name: values[0] for name, values in quality(images, decoded).items()}
    return to_8bit(decoded)[0], {
        "system": model,
        "bit_error_rate": error_rate,
        "bits": len(sent.bits),
        "side_info_bits": sent.side_info_bits,
        "bits_per_pixel": total / pixels,
        **{name: measured[name] for name in ("psnr_db", "ssim", "ms_ssim")},
    }
