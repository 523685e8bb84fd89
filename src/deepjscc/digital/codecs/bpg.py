"""BPG, by the programs ``bpgenc`` and ``bpgdec`` of libbpg where the user has installed them."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from deepjscc.digital.codecs.drafted import DraftedCodec
from deepjscc.errors import DeepJSCCError
from deepjscc.images import read_image
from deepjscc.types import Image8


class BPG(DraftedCodec):
    """BPG by libbpg's own programs at their default effort, QP 51 (level 0) to 0; 4:4:4 and 4:2:0 against each other.

    The format: Bellard, BPG specification 0.9.5, 2015.
    """

    levels = range(52)
    variants = ("444", "420")
    stride = 4
    growth = 0.12
    enough = 1.0

    @property
    def settings(self) -> str:
        """Which ``bpgenc``: the program does not tell its version without complaint, its file does."""
        path = _program("bpgenc")
        stat = path.stat()
        return f"{path} {stat.st_size} {stat.st_mtime_ns}"

    def compress(self, picture: Image.Image, level: int, variant: str) -> bytes:
        """Code at one QP."""
        with tempfile.TemporaryDirectory(prefix="deepjscc-bpg-") as folder:
            source, coded = Path(folder, "in.png"), Path(folder, "out.bpg")
            picture.save(source, compress_level=1)
            _run("bpgenc", "-q", str(51 - level), "-f", variant, "-o", str(coded), str(source))
            return _written(coded, "bpgenc").read_bytes()

    def decode(self, data: bytes) -> Image8:
        """Decode with ``bpgdec``."""
        with tempfile.TemporaryDirectory(prefix="deepjscc-bpg-") as folder:
            coded, shown = Path(folder, "in.bpg"), Path(folder, "out.png")
            coded.write_bytes(data)
            _run("bpgdec", "-o", str(shown), str(coded))
            return read_image(_written(shown, "bpgdec"))

    def payload_bytes(self, data: bytes) -> int:
        """Bytes of the HEVC stream: without the file header, extensions and the header that stands for parameter sets.

        Raises:
            DeepJSCCError: a file that is no BPG, or is cut off in its header.
        """
        if data[:4] != b"BPG\xfb":
            raise DeepJSCCError("bpg: not a BPG file")
        try:
            _, position = _number(data, 6)  # width, after magic, pixel format and flags
            _, position = _number(data, position)  # height
            length, position = _number(data, position)  # of the HEVC header and data; 0: up to the end
            if data[5] & 8:
                extensions, position = _number(data, position)
                position += extensions
            end = position + length if length else len(data)
            header, position = _number(data, position)
        except IndexError:
            raise DeepJSCCError("bpg: the file is truncated") from None
        return end - position - header


def _number(data: bytes, position: int) -> tuple[int, int]:
    """The specification's ue7, 7 bits a byte, highest first, the top bit set on all but the last; and where it ends."""
    value = 0
    while data[position] >= 128:
        value = value << 7 | data[position] & 127
        position += 1
    return value << 7 | data[position], position + 1


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise DeepJSCCError(f"bpg needs {name} on the PATH: install libbpg (bellard.org/bpg), or take hevc instead")
    return Path(found)


def _run(name: str, *arguments: str) -> None:
    try:
        done = subprocess.run([str(_program(name)), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise DeepJSCCError(f"bpg: {name} does not run: {error.strerror}") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or ["no message"]
        raise DeepJSCCError(f"bpg: {name} failed: {lines[-1]}")


def _written(path: Path, name: str) -> Path:
    if not path.is_file():
        raise DeepJSCCError(f"bpg: {name} wrote no file")
    return path
