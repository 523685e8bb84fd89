"""The link split at the antennas: encode, channel and decode as three programs with I/Q files between them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deepjscc.channels import Channel
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_8bit, to_float
from deepjscc.radio.iq_file import HEADER_BITS, Frame, read_frame, write_frame
from deepjscc.symbols import mean_power
from deepjscc.systems.link import pass_through
from deepjscc.types import Encoded, Image8, Received
from deepjscc.zoo import load, weights_hash


@torch.no_grad()
def encode_image(
    image: Image8,
    model: str,
    path: Path,
    encoder_snr_db: float,
    bandwidth_ratio: float | None,
    margin_db: float | None = None,
) -> dict[str, Any]:
    """Encode one picture into a recording.

    Args:
        image: what to encode.
        model: of the zoo, or a checkpoint.
        path: of the recording.
        encoder_snr_db: what is believed of the channel.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        margin_db: by how much the channel may be worse before side information is lost; None: as the model
            thinks fit.

    Returns:
        Files, symbols and what metadata and side information cost.

    Raises:
        UsageError: an unknown model, or a ratio it does not make.
        DeepJSCCError: the place cannot be written.
    """
    images = to_float(image)
    believed = torch.tensor([encoder_snr_db])
    lasting = None if margin_db is None else believed - margin_db
    sent = load(model).encode(images, believed, bandwidth_ratio=bandwidth_ratio, side_info_snr_db=lasting)
    uses, side_info = sent.symbols.shape[1], sent.side_info[0]
    parts = tuple(part.data.hex() for part in side_info)
    rates = tuple(part.rate for part in side_info)
    frame = Frame(model, weights_hash(model), image.shape[1], image.shape[2], uses, parts, rates)
    silent = torch.zeros(1, uses)  # no channel yet: no noise
    received = Received(sent.symbols, silent, None, torch.tensor([torch.inf]))
    meta_file, data_file = write_frame(path, frame, received)
    return {
        "meta_file": str(meta_file),
        "data_file": str(data_file),
        "symbols": uses,
        "mean_power": mean_power(sent.symbols)[0].item(),
        "bandwidth_ratio": sent.uses()[0] / images.numel(),
        "metadata_bytes": meta_file.stat().st_size,
        "header_bits": HEADER_BITS,
        "side_info_bits": sum(8 * len(part.data) for part in side_info),
        "side_info_uses": sum(part.uses for part in side_info),
    }


@torch.no_grad()
def pass_channel(path: Path, channel: Channel, output: Path, snr_db: float, seed: int) -> dict[str, Any]:
    """Pass a recording that has met no channel yet through one.

    Raises:
        UsageError: the recording has been through a channel.
        DeepJSCCError: a recording that cannot be read, or a place that cannot be written.
    """
    frame, sent = read_frame(path)
    if frame.snr_db is not None:
        raise UsageError(
            f"{path}: these symbols have been through a channel at {frame.snr_db:g} dB; take the sent ones"
        )
    encoded = Encoded(sent.symbols, (frame.protected(),))
    received = pass_through(channel, encoded, torch.tensor([snr_db]), torch.Generator().manual_seed(seed))
    fade = received.gain
    gain = (fade.real.item(), fade.imag.item()) if fade is not None and fade.shape[1] == 1 else None
    side_info = tuple(None if part is None else part.hex() for part in received.side_info[0])
    after = replace(frame, snr_db=snr_db, gain=gain, side_info=side_info)
    meta_file, data_file = write_frame(output, after, received)
    return {"meta_file": str(meta_file), "data_file": str(data_file), "symbols": frame.uses, "gain": gain}


@torch.no_grad()
def decode_image(path: Path, model: str | None = None) -> tuple[Image8, dict[str, Any]]:
    """Decode a recording with the model it names, or with ``model``.

    Raises:
        DeepJSCCError: a recording that cannot be read, or of other weights.
        UsageError: a model this installation does not have.
    """
    frame, received = read_frame(path)
    name = model or frame.model
    if weights_hash(name) != frame.weights_hash:
        raise DeepJSCCError(
            f"{path}: made with weights {frame.weights_hash} of {frame.model}, but {name} here has "
            f"{weights_hash(name)}; give the matching checkpoint with --model"
        )
    images = load(name).decode(received, frame.size)
    report = {"model": name, "height": frame.height, "width": frame.width, "symbols": frame.uses}
    return to_8bit(images)[0], report | {"snr_db": frame.snr_db}
