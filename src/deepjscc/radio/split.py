"""The link split at the antennas: encode, channel and decode as three programs with I/Q files between them."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deepjscc.channels import Channel
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_8bit, to_float
from deepjscc.radio.iq_file import HEADER_BITS, Frame, ideal_rate, paths, read_frame, write_frame
from deepjscc.radio.stages import Recording, put_together
from deepjscc.seeds import generator
from deepjscc.symbols import mean_power
from deepjscc.systems.constellation_link import split_constellation
from deepjscc.systems.names import is_hybrid
from deepjscc.systems.transceivers import load_transceiver, transceiver_hash
from deepjscc.systems.transport import send_over
from deepjscc.types import MARGIN_DB, Encoded, Image8, LinkPlan, Received, Symbols
from deepjscc.units import spread_offsets_db
from deepjscc.zoo import cards


@torch.no_grad()
def encode_image(
    image: Image8,
    model: str,
    path: Path,
    encoder_snr_db: float,
    bandwidth_ratio: float | None,
    margin_db: float | None = None,
    *,
    in_stages: bool = False,
    snr_spread_db: float = 0.0,
) -> list[dict[str, Any]]:
    """Encode one picture into a recording, or into one for each stage.

    Args:
        image: what to encode.
        model: of the zoo, or a checkpoint.
        path: of the recording; of stages ``PATH-stage1`` and so on.
        encoder_snr_db: what is believed of the channel.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        margin_db: by how much the channel may be worse before side information is lost; None: as the model
            thinks fit.
        in_stages: a recording a stage, of a model that has stages.
        snr_spread_db: half the width of the range of SNRs around ``encoder_snr_db`` that the transmitter believes in.

    Returns:
        For each recording its files, symbols and what metadata and side information cost.

    Raises:
        UsageError: an unknown model, a ratio it does not make, or stages it does not have.
        DeepJSCCError: the place cannot be written.
    """
    images, network = to_float(image), load_transceiver(model)
    stages = getattr(network, "stages", 1)
    if in_stages and stages == 1:
        raise UsageError(f"{model} sends in one piece; leave --stages out")
    believed = torch.tensor([encoder_snr_db])
    margin_db = MARGIN_DB + snr_spread_db if margin_db is None else margin_db
    plan = LinkPlan(believed, bandwidth_ratio, margin_db, spread_offsets_db(snr_spread_db))
    sent = network.encode(images, plan)
    parts = tuple((layer.data or b"").hex() for layer in sent.digital[0])
    rates = tuple(ideal_rate(layer) for layer in sent.digital[0])
    whole = Frame(model, transceiver_hash(model), image.shape[1], image.shape[2], sent.symbols.shape[1], parts, rates)
    if not in_stages:
        return [_record(path, whole, sent.symbols, sent.uses()[0], images.numel())]
    meta_file, _ = paths(path)
    stem = meta_file.with_suffix("")
    transmission = hashlib.sha256(sent.symbols.numpy().tobytes()).hexdigest()[:12]
    pieces = enumerate(sent.symbols.chunk(stages, 1), 1)
    return [
        _record(
            stem.with_name(f"{stem.name}-stage{stage}"),
            replace(whole, uses=symbols.shape[1], stage=stage, transmission=transmission),
            symbols,
            symbols.shape[1],
            images.numel(),
        )
        for stage, symbols in pieces
    ]


def _record(path: Path, frame: Frame, symbols: Symbols, spent: int, values: int) -> dict[str, Any]:
    """Write sent symbols, which have met no noise yet, and return what they cost."""
    received = Received(symbols, torch.zeros(1, frame.uses), None, torch.tensor([torch.inf]))
    meta_file, data_file = write_frame(path, frame, received)
    side_info = frame.protected()
    return {
        "meta_file": str(meta_file),
        "data_file": str(data_file),
        "symbols": frame.uses,
        "mean_power": mean_power(symbols)[0].item(),
        "bandwidth_ratio": spent / values,
        "metadata_bytes": meta_file.stat().st_size,
        "header_bits": HEADER_BITS,
        "side_info_bits": 8 * sum(len(part.data or b"") for part in side_info),
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
    draws, gain = torch.Generator().manual_seed(seed), None
    if frame.stage is not None:
        # Slow fading keeps its gain from stage to stage; the noise is new in each.
        if channel.coherence == "image":
            gain = channel.draw_gain(1, frame.uses, draws)
        draws = generator(seed, "stage", frame.stage)
    received = send_over(channel, encoded, torch.tensor([snr_db]), draws, gain=gain)
    fade = received.gain
    known = (fade.real.item(), fade.imag.item()) if fade is not None and fade.shape[1] == 1 else None
    side_info = tuple(None if part is None else part.hex() for part in received.digital[0])
    after = replace(frame, snr_db=snr_db, gain=known, side_info=side_info)
    meta_file, data_file = write_frame(output, after, received)
    return {
        "meta_file": str(meta_file),
        "data_file": str(data_file),
        "symbols": frame.uses,
        "pilot_uses": channel.pilot_uses(encoded.uses()[0]),
        "gain": known,
    }


@torch.no_grad()
def decode_image(files: list[Path], model: str | None = None) -> tuple[Image8, dict[str, Any], list[str]]:
    """Decode a recording, or what has arrived of several stages, with the model it names, or with ``model``.

    Args:
        files: one recording of all symbols, or recordings of stages in any order.
        model: the checkpoint they were made with, where it is not of the zoo.

    Returns:
        The picture, what is known of it, and a line for each recording that could not be used.

    Raises:
        DeepJSCCError: a recording that cannot be read, of other weights, or no first stage.
        UsageError: a model this installation does not have, or several recordings that are not stages.
    """
    recordings = [Recording(path, *read_frame(path)) for path in files]
    whole = next((one for one in recordings if one.frame.stage is None), None)
    if whole is not None and len(recordings) > 1:
        raise UsageError(f"{whole.path}: holds all of a picture, not a stage; decode it alone")
    first = next((one for one in recordings if one.frame.stage == 1), recordings[0])
    frame, path = first.frame, first.path
    name = model or zoo_name(frame.model, path)
    if transceiver_hash(name) != frame.weights_hash:
        raise DeepJSCCError(
            f"{path}: made with weights {frame.weights_hash} of {frame.model}, but {name} here has "
            f"{transceiver_hash(name)}; give the matching checkpoint with --model"
        )
    network, received, notes = load_transceiver(name), first.received, list[str]()
    report = {"model": name, "height": frame.height, "width": frame.width, "symbols": frame.uses}
    if whole is None:
        stages = getattr(network, "stages", 1)
        if stages == 1:
            raise DeepJSCCError(f"{path}: a stage of {name}, which has none")
        received, used, notes = put_together(recordings, stages)
        report |= {"symbols": received.symbols.shape[1], "stages": len(used)}
    decoded = network.receive(received, frame.size)
    if decoded.layers:
        report |= {"layers": "+".join(decoded.layers[0])}
    if decoded.estimated_psnr_db[0] is not None:
        report |= {"estimated_psnr_db": decoded.estimated_psnr_db[0]}
    return to_8bit(decoded.images)[0], report | {"snr_db": frame.snr_db}, notes


def zoo_name(name: str, path: Path) -> str:
    """Return the model's name that a recording carries; anybody may have written it, so it opens no file.

    Raises:
        UsageError: not of the zoo.
    """
    plain, _ = split_constellation(name)
    if plain not in cards() and not is_hybrid(plain):
        raise UsageError(
            f"{path}: unknown model {name[:80]!r}, which is not of the zoo; give its checkpoint with --model"
        )
    return name
