"""Mutate what comes out of a demodulator: headers, class maps, a hybrid's layers, and recordings with valid checksums.

    python tools/fuzz/layers.py --count 1000 --seed 0

Checksums are made right again after each mutation, so that what lies behind them is reached. See `targets.py`.
"""

import hashlib
import io
import json
import sys
import tempfile
import zlib
from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from targets import Target, arguments, run

from deepjscc.data.samples import sample_path
from deepjscc.digital.codecs.coarse import decode_coarse, encode_coarse
from deepjscc.images import from_picture, to_float
from deepjscc.models import BlockCode
from deepjscc.models.block_code.header import Header, MeanColour, _check
from deepjscc.open_image import open_rgb
from deepjscc.radio.frame_header import FrameHeader
from deepjscc.radio.iq_file import paths
from deepjscc.radio.split import decode_image, encode_image
from deepjscc.systems.hybrid_payload import Base, pack_coarse, unpack_coarse
from deepjscc.systems.hybrid_plan import HEADER_BYTES, HybridHeader, _crc8
from deepjscc.systems.hybrid_waveform import HybridWaveform
from deepjscc.systems.transceivers import load_transceiver
from deepjscc.types import Image8, LinkPlan, Received
from deepjscc.zoo import load

HYBRIDS = ("hevc+ldpc-fine+hybrid", "avif+ldpc-fine+hybrid", "jpeg2000+ldpc-fine+hybrid", "webp+ldpc-fine+hybrid")
SNR_DB, RATIO = 10.0, 1 / 4


def targets(folder: Path) -> list[Target]:
    """Every kind of input."""
    image = from_picture(open_rgb(sample_path("coffee")).crop((300, 200, 396, 264)))
    found = [*small_parsers(image)]
    for name in HYBRIDS:
        found += hybrid_layers(name, image)
    larger = from_picture(open_rgb(sample_path("coffee")).crop((200, 100, 456, 292)))  # that has a coarse layer
    found += [target for target in hybrid_layers(HYBRIDS[-1], larger) if "coarse" in target.name]
    return [*found, *class_maps(image), recording("linear", image, folder), recording(HYBRIDS[0], image, folder)]


def small_parsers(image: Image8) -> list[Target]:
    """Headers, and the coarse picture."""
    size = (image.shape[1], image.shape[2])
    coarse = [data for room in (4, 60, 120, 400) if (data := encode_coarse(image, room)) is not None]
    frames = [FrameHeader(5, "0123456789ab", 64, 96, 3000, b"abc", 100, 4).pack()]

    def frame_header(content: bytes) -> object:
        body = content[: FrameHeader.BYTES - 2].ljust(FrameHeader.BYTES - 2, b"\0")
        return FrameHeader.unpack(body + crc_hqx(body, 0).to_bytes(2, "big"))

    def hybrid_header(content: bytes) -> object:
        return HybridHeader.unpack(_crc_made_right(content))

    def header(content: bytes) -> object:
        word = int.from_bytes(content[: Header.BYTES].ljust(Header.BYTES, b"\0"), "big") >> 5
        return Header.unpack((word << 5 | _check(word)).to_bytes(Header.BYTES, "big"))

    return [
        Target("hybrid header", [HybridHeader(2, 120, 10).pack()], hybrid_header),
        Target("header", [Header.of(10.0, 1.0, 4).pack()], header),
        Target("mean colour", [MeanColour.of([0.1, 0.5, 0.9]).pack()], MeanColour.unpack),
        Target("frame header", frames, frame_header),
        Target("coarse picture", coarse, lambda content: decode_coarse(content, size)),
        Target("coarse layer", [pack_coarse(data) or b"" for data in coarse], unpack_coarse),
    ]


def _crc_made_right(data: bytes) -> bytes:
    body = data[: HEADER_BYTES - 1].ljust(HEADER_BYTES - 1, b"\0")
    return body + bytes([_crc8(body)])


def hybrid_layers(name: str, image: Image8) -> list[Target]:
    """The header, the coarse layer and the base of a hybrid, one of them mutated, behind channel codes that held."""
    waveform = load_transceiver(name)
    assert isinstance(waveform, HybridWaveform)
    hybrid, size = waveform.hybrid, (image.shape[1], image.shape[2])
    plan = LinkPlan(torch.tensor([SNR_DB]), RATIO)
    sent = hybrid.encode(to_float(image), plan)
    layers = [layer.data or b"" for layer in sent.digital[0]]
    base = Base.unpack(layers[-1])

    def receive(parts: list[bytes | None]) -> object:
        noise = torch.full(sent.symbols.shape, 0.1)
        return hybrid.receive(Received(sent.symbols, noise, None, plan.design_snr_db, (tuple(parts),)), size)

    def with_header(content: bytes) -> object:
        return receive([_crc_made_right(content), *layers[1:]])

    def with_stream(content: bytes) -> object:
        return receive([*layers[:-1], replace(base, stream=content).pack()])

    def with_side_info(content: bytes) -> object:
        return receive([*layers[:-1], replace(base, side_info=content[:255]).pack()])

    found = [
        Target(f"{name}: header", layers[:1], with_header),
        Target(f"{name}: base", layers[-1:], lambda content: receive([*layers[:-1], content])),
        Target(f"{name}: codestream", [base.stream], with_stream),
        Target(f"{name}: side information", [base.side_info], with_side_info),
    ]
    if len(layers) == 3:
        found.append(Target(f"{name}: coarse layer", layers[1:2], lambda content: receive([layers[0], content, None])))
    return found


def class_maps(image: Image8) -> list[Target]:
    """The class map of a block code, with its checksum made right."""
    found = []
    for name in ("linear", "universal-s"):
        model = load(name)
        assert isinstance(model, BlockCode)
        sent = model.encode(to_float(image), LinkPlan(torch.tensor([20.0]), 1 / 2))
        header, *maps = (layer.data or b"" for layer in sent.digital[0])
        size = (image.shape[1], image.shape[2])
        seeds = [part[:-1] for part in maps] or [bytes(12)]
        found.append(Target(f"{name}: class map", seeds, _class_map_reader(model, sent.symbols, header, size)))
    return found


def _class_map_reader(
    model: BlockCode, symbols: torch.Tensor, header: bytes, size: tuple[int, int]
) -> Callable[[bytes], object]:
    told = Header.unpack(header)
    header = replace(told, map_index=max(told.map_index, 4)).pack()

    @torch.no_grad()
    def read(content: bytes) -> object:
        parts = (header, content + bytes([zlib.crc32(content) & 255]))
        noise = torch.full(symbols.shape, 0.01)
        return model.decode(Received(symbols, noise, None, torch.tensor([20.0]), (parts,)), size)

    return read


def recording(name: str, image: Image8, folder: Path) -> Target:
    """A recording whose fields, side information and symbols are mutated, and whose checksum is right again."""
    encode_image(image, name, folder / "iq", SNR_DB, RATIO)
    meta, data = paths(folder / "iq")
    whole, symbols = json.loads(meta.read_bytes()), data.read_bytes()

    def read(content: bytes) -> object:
        draws = np.random.default_rng(zlib.crc32(content))
        changed = json.loads(json.dumps(whole))
        frame = changed["global"]["deepjscc:frame"]
        stream = io.BytesIO(content)
        for key in draws.choice(sorted(frame), draws.integers(0, 3), replace=False):
            frame[str(key)] = _other(frame[str(key)], draws)
        raw = bytearray(symbols)
        for _ in range(draws.integers(0, 4)):
            first = int(draws.integers(len(raw)))
            part = stream.read(int(draws.integers(1, 64)))
            raw[first : first + len(part)] = part
        raw = raw[: len(symbols)]
        changed["global"]["core:sha512"] = hashlib.sha512(raw).hexdigest()
        meta.write_text(json.dumps(changed))
        data.write_bytes(raw)
        return decode_image([meta])

    return Target(f"recording of {name}, checksum right", [symbols[:4000]], read)


def _other(value: object, draws: np.random.Generator) -> object:
    """Another value of a field, of the same type mostly."""
    match value:
        case int():
            return int(draws.choice([0, 1, 8, 63, 64, 65, 96, 1000, value + 1, value - 1, 2**31, -1]))
        case list():
            return [_other(part, draws) for part in value][: draws.integers(0, 4)]
        case str() if value and draws.integers(2):
            place = int(draws.integers(len(value)))
            return value[:place] + "0123456789abcdef"[draws.integers(16)] + value[place + 1 :]
        case float():
            return float(draws.choice([0.0, -1.0, 1e-9, 0.125, 1e9, np.inf]))
    return [None, "", 0, {}, "00"][draws.integers(5)]


if __name__ == "__main__":
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory() as place:
        chosen = [target for target in targets(Path(place)) if options.only in target.name]
        sys.exit(run(chosen, options.count, options.seed))
