"""A picture as a file of bits: encoding to it, flipping of its bits, and decoding from it."""

from pathlib import Path
from typing import Any

import torch

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_8bit, to_float
from deepjscc.radio.bit_file import read_bits, write_bits
from deepjscc.radio.iq_file import Frame, ideal_rate
from deepjscc.radio.split import zoo_name
from deepjscc.systems.bit_link import checked_error_rate, encode_bits, flip_bits, receive_bits
from deepjscc.systems.transceivers import load_on_points, transceiver_hash
from deepjscc.types import Image8


@torch.no_grad()
def encode_to_bits(
    image: Image8, model: str, path: Path, bandwidth_ratio: float | None, error_rate: float = 0.0
) -> dict[str, Any]:
    """Encode one picture to a file of bits.

    Args:
        image: what to encode.
        model: with a constellation, as ``universal-s@256qam``.
        path: of the file, with or without its suffix.
        bandwidth_ratio: complex symbols per source value; None takes the model's own.
        error_rate: share of flipped bits that the transmitter plans for.

    Returns:
        The files, and the bits of symbols and of side information.

    Raises:
        UsageError: a model without a constellation, a ratio it does not make, or an error rate out of range.
        DeepJSCCError: the place cannot be written.
    """
    transceiver = load_on_points(model)
    encoded = encode_bits(transceiver, to_float(image), bandwidth_ratio, error_rate)
    uses = len(encoded.bits) // transceiver.constellation.bits_per_symbol
    parts = tuple((layer.data or b"").hex() for layer in encoded.digital)
    rates = tuple(ideal_rate(layer) for layer in encoded.digital)
    frame = Frame(model, transceiver_hash(model), image.shape[1], image.shape[2], uses, parts, rates)
    bits_file, meta_file = write_bits(path, frame, encoded.bits, 0.0)
    total, pixels = len(encoded.bits) + encoded.side_info_bits, image.shape[1] * image.shape[2]
    return {
        "bits_file": str(bits_file),
        "meta_file": str(meta_file),
        "symbols": uses,
        "bits": len(encoded.bits),
        "side_info_bits": encoded.side_info_bits,
        "bits_per_pixel": total / pixels,
    }


def flip_bits_of(path: Path, output: Path, error_rate: float, seed: int) -> dict[str, Any]:
    """Flip bits of a file into another, whose metadata then say how many.

    Args:
        path: a file that has not been through a channel.
        output: the other.
        error_rate: probability that a bit is flipped.
        seed: of the draws.

    Raises:
        UsageError: an error rate out of range, or bits that have been flipped already.
        DeepJSCCError: a file that cannot be read or written.
    """
    frame, bits, earlier = read_bits(path)
    if earlier:
        raise UsageError(f"{path}: bits of this file have been flipped already ({earlier:g}); take the sent ones")
    flipped = flip_bits(bits, checked_error_rate(error_rate), seed)
    bits_file, meta_file = write_bits(output, frame, flipped, error_rate)
    return {
        "bits_file": str(bits_file),
        "meta_file": str(meta_file),
        "bits": len(bits),
        "flipped": int((flipped != bits).sum()),
        "bit_error_rate": error_rate,
    }


@torch.no_grad()
def decode_bits(path: Path, model: str | None = None) -> tuple[Image8, dict[str, Any]]:
    """Decode a file of bits with the model it names, or with ``model``.

    Returns:
        The picture, and what is known of it.

    Raises:
        DeepJSCCError: a file that cannot be read, or of other weights.
        UsageError: a model this installation does not have.
    """
    frame, bits, error_rate = read_bits(path)
    name = model or zoo_name(frame.model, path)
    if transceiver_hash(name) != frame.weights_hash:
        raise DeepJSCCError(f"{path}: made with other weights than {name} has here; give the checkpoint with --model")
    transceiver = load_on_points(name)
    if len(bits) != frame.uses * transceiver.constellation.bits_per_symbol:
        raise DeepJSCCError(
            f"{path}: {len(bits)} bits are not {frame.uses} symbols of {transceiver.constellation.name}"
        )
    decoded = receive_bits(transceiver, bits, error_rate, frame.arrived(), frame.size)
    report = {"model": name, "height": frame.height, "width": frame.width, "symbols": frame.uses}
    return to_8bit(decoded.images)[0], report | {"bits": len(bits), "bit_error_rate": error_rate}
