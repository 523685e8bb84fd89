"""Mutate files of every kind the program reads, and check that each is read, or refused in one line, in bounded time.

    python tools/fuzz/files.py --count 1000 --seed 0

It prints a line per kind: files, how many were read, how many refused, the slowest in seconds. Any other exception ends
it with the file that caused it, kept in ``out/fuzz``.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from deepjscc.data.samples import sample_path
from deepjscc.errors import DeepJSCCError
from deepjscc.images import read_image
from deepjscc.models import Cnn
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.open_image import open_rgb
from deepjscc.radio.iq_file import paths, read_frame
from deepjscc.radio.sample_files import recording_datatype
from deepjscc.radio.split import encode_image
from deepjscc.training.recipe import read_recipe

KEPT = Path("out/fuzz")
FORMATS = {
    "PNG": {},
    "JPEG": {},
    "WEBP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {},
    "BMP": {},
    "PPM": {},
    "GIF": {},
}
RECIPE = b"""seed = 3
[model]
name = "cnn"
config = { filters = 4 }
[data]
train = "cifar10-train"
[optimiser]
learning_rate = 1e-3
"""
SLOW_S = 30.0


@dataclass
class Target:
    """A kind of file: whole ones to begin with, and what reads one."""

    name: str
    seeds: list[bytes]
    read: Callable[[bytes], object]
    counts: dict[str, int] = field(default_factory=lambda: {"read": 0, "refused": 0})
    slowest_s: float = 0.0


def mutate(data: bytes, draws: np.random.Generator) -> bytes:
    """Change, cut, repeat, insert or exchange some bytes."""
    changed = bytearray(data)
    for _ in range(draws.integers(1, 6)):
        place = int(draws.integers(0, max(1, len(changed))))
        kind = draws.integers(0, 6)
        if kind <= 1 and changed:
            changed[place % len(changed)] = int(draws.integers(256))
        elif kind == 2:
            changed[place : place + 4] = int(draws.choice([0, 1, 2**31 - 1, 2**32 - 1])).to_bytes(4, "big")
        elif kind == 3:
            del changed[place : place + int(draws.integers(1, 64))]
        elif kind == 4:
            changed[place:place] = changed[place : place + int(draws.integers(1, 64))] * int(draws.integers(1, 40))
        else:
            changed[place:place] = draws.bytes(int(draws.integers(1, 16)))
    return bytes(changed)


def targets(folder: Path) -> list[Target]:
    """Every kind of file; ``folder`` takes those that are read by their name."""
    picture = open_rgb(sample_path("coffee")).crop((0, 0, 48, 40))
    image = read_image(io.BytesIO(_saved(picture, "PNG", {})))
    encode_image(image, "linear", folder / "iq", 10.0, 1 / 8)
    meta, data = paths(folder / "iq")
    whole, symbols = meta.read_bytes(), data.read_bytes()
    save_checkpoint(Cnn(filters=2), folder / "x.safetensors")

    def through_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
        def write_and_read(content: bytes) -> object:
            path.write_bytes(content)
            return read(path)

        return write_and_read

    def frame(content: bytes) -> object:
        meta.write_bytes(content)
        data.write_bytes(symbols)
        return read_frame(meta)

    def symbol_file(content: bytes) -> object:
        meta.write_bytes(whole)
        data.write_bytes(content)
        return read_frame(meta)

    found = [
        Target(name, [_saved(picture, name, options)], lambda content: open_rgb(io.BytesIO(content), 4_000_000))
        for name, options in FORMATS.items()
    ]
    return [
        *found,
        Target("recording's metadata", [whole], frame),
        Target("recording's symbols", [symbols], symbol_file),
        Target("SigMF metadata", [whole], through_file(folder / "b.sigmf-meta", recording_datatype)),
        Target(
            "checkpoint",
            [(folder / "x.safetensors").read_bytes()],
            through_file(folder / "y.safetensors", load_checkpoint),
        ),
        Target("recipe", [RECIPE], through_file(folder / "r.toml", read_recipe)),
    ]


def _saved(picture: Image.Image, name: str, options: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, name, **options)
    return buffer.getvalue()


def run(count: int, seed: int) -> int:
    """Fuzz every target; the exit code."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        for number, target in enumerate(targets(Path(name))):
            draws = np.random.default_rng([seed, number])
            for _ in range(count):
                content = mutate(target.seeds[int(draws.integers(len(target.seeds)))], draws)
                clock = time.perf_counter()
                try:
                    target.read(content)
                    target.counts["read"] += 1
                except DeepJSCCError:
                    target.counts["refused"] += 1
                except BaseException as error:
                    KEPT.mkdir(parents=True, exist_ok=True)
                    (KEPT / f"{target.name.replace(' ', '-')}.bin").write_bytes(content)
                    print(f"{target.name}: {type(error).__name__}: {error}; the file is in {KEPT}", file=sys.stderr)
                    return 1
                target.slowest_s = max(target.slowest_s, time.perf_counter() - clock)
            print(
                json.dumps(
                    {"kind": target.name, "files": count, **target.counts, "slowest_s": round(target.slowest_s, 3)}
                ),
                flush=True,
            )
            if target.slowest_s > SLOW_S:
                print(f"{target.name}: a file took more than {SLOW_S:g} s", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=1000, help="Files of each kind.")
    parser.add_argument("--seed", type=int, default=0, help="Of the mutations.")
    options = parser.parse_args()
    sys.exit(run(options.count, options.seed))
