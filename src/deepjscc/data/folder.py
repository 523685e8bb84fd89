"""Any folder of pictures, sorted by path."""

from pathlib import Path

from deepjscc.data.base import ImageSet
from deepjscc.errors import DeepJSCCError
from deepjscc.images import SUFFIXES, read_image


def open_folder(path: Path, name: str | None = None, prefix: str = "") -> ImageSet:
    """Open every picture below a folder whose file name begins with ``prefix``, or the one picture that ``path`` is.

    Raises:
        DeepJSCCError: no such folder, or none in it that is a picture by its suffix.
    """
    if path.is_file():
        return ImageSet(name or path.stem, [path.name], lambda _: read_image(path), stamp([path]))
    if not path.is_dir():
        raise DeepJSCCError(f"{path}: no such folder or picture")
    files = sorted(file for file in path.rglob(f"{prefix}*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise DeepJSCCError(f"{path}: no pictures ({', '.join(SUFFIXES)}) below this folder")
    names = [str(file.relative_to(path)) for file in files]
    return ImageSet(
        name or path.resolve().name or str(path.resolve()), names, lambda index: read_image(files[index]), stamp(files)
    )


def stamp(files: list[Path]) -> str:
    """Size and time of change of every file: another picture under the old name shows."""
    return ",".join(f"{status.st_size}@{status.st_mtime_ns}" for status in map(Path.stat, files))
