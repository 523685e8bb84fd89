"""Mutate files of every kind the program reads, and check that each is read, or refused in one line, in bounded time.

    python tools/fuzz/files.py --count 1000 --seed 0

It prints a line per kind: files, how many were read, how many refused, the slowest in seconds. See `targets.py`.
"""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from targets import Target, arguments, run

from deepjscc.data.samples import sample_path
from deepjscc.images import read_image
from deepjscc.models import Cnn
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.open_image import open_rgb
from deepjscc.radio.iq_file import paths, read_frame
from deepjscc.radio.sample_files import recording_datatype
from deepjscc.radio.split import encode_image
from deepjscc.training.recipe import read_recipe

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

    whole_pictures = {name: [_saved(picture, name, options)] for name, options in FORMATS.items()}
    found = [
        Target(name, seeds, lambda content: open_rgb(io.BytesIO(content), 4_000_000))
        for name, seeds in (whole_pictures | deep_pictures(picture)).items()
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


def deep_pictures(picture: Image.Image) -> dict[str, list[bytes]]:
    """Pictures of 16 bits and floating point, and with colour profiles of their own."""
    grey = np.asarray(picture.convert("L"))
    deep, real = Image.fromarray(grey.astype(np.uint16) * 257), Image.fromarray(grey.astype(np.float32) / 255)
    profiles = [ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes() for name in ("sRGB", "LAB", "XYZ")]
    profiles.append(swapped_primaries(profiles[0]))
    tagged = [
        _saved(picture, name, {"icc_profile": profile})
        for profile in profiles
        for name in ("PNG", "JPEG", "TIFF", "WEBP")
    ]
    alpha = picture.convert("RGBA")
    return {
        "16-bit": [_saved(deep, name, {}) for name in ("PNG", "TIFF", "PPM")] + [b"P5 48 40 1023\n" + deep.tobytes()],
        "floating point": [_saved(real, "TIFF", {}), _saved(real, "TIFF", {"compression": "tiff_deflate"})],
        "colour profile": tagged,
        "alpha, palette and CMYK": [
            _saved(alpha, "PNG", {}),
            _saved(picture.convert("P"), "PNG", {"transparency": 3}),
            _saved(picture.convert("CMYK"), "JPEG", {}),
            _saved(picture.convert("CMYK"), "TIFF", {}),
            _saved(picture.convert("1"), "PNG", {}),
            _saved(picture.convert("LA"), "PNG", {}),
        ],
    }


def swapped_primaries(profile: bytes) -> bytes:
    """A colour profile whose red and blue change places."""
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")


def _saved(picture: Image.Image, name: str, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, name, **options)
    return buffer.getvalue()


if __name__ == "__main__":
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory() as name:
        chosen = [target for target in targets(Path(name)) if options.only in target.name]
        sys.exit(run(chosen, options.count, options.seed))
