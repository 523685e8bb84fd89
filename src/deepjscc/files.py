"""Files that several processes may write: whole or not at all, and locked while they are read and rewritten."""

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from deepjscc.errors import DeepJSCCError, UsageError

TEXT_BYTES = 2**20  # of metadata, recipes and other text that is parsed; ours have a few kB
PATIENCE_S = 120.0  # a table is locked for as long as it takes to read and write it


def write_atomically(path: Path | str, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` with an open file beside ``path``, then rename: the path holds all of it or what it held before.

    Raises:
        DeepJSCCError: no such folder, no permission, a full disk, or a folder in the file's place.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        # The mode of an output is what the umask leaves of 0666, which the kernel applies; mkstemp would give 0600.
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
            os.replace(beside, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise cannot_be_written(path, error) from None


@contextmanager
def locked(path: Path | str, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock of a file, or of a run that writes it, among all processes that ask for it here.

    The lock is a file ``.NAME.lock`` beside ``path``. The operating system frees it when a process ends, however that
    ends, and the file goes with the last one that held it.

    Args:
        path: the file, which need not exist.
        patience_s: how long to wait for another process, in seconds.

    Raises:
        DeepJSCCError: another process holds it, no such folder, or no permission.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.lock")
    lock = FileLock(beside)
    if not path.parent.is_dir():
        raise cannot_be_written(path, FileNotFoundError())  # FileLock would make the folder
    try:
        lock.acquire(timeout=patience_s, poll_interval=0.02)
    except Timeout:
        raise DeepJSCCError(f"{path}: another process is writing it; wait for it, or take another name") from None
    except OSError as error:
        raise cannot_be_written(path, error) from None
    try:
        yield
    finally:
        with suppress(
            OSError
        ):  # Windows keeps open files; elsewhere who waits for this one finds it gone and begins anew
            beside.unlink()
        lock.release()


def cache_folder() -> Path | None:
    """The user's cache folder of this program, as its platform has it; None for a user without a home."""
    try:
        folder = user_cache_path("deepjscc", appauthor=False)
    except (RuntimeError, KeyError):
        return None
    return folder if folder.is_absolute() else None


def check_regular(path: Path | str) -> Path:
    """Return ``path``, a file that is there and can be read to its end.

    Raises:
        DeepJSCCError: nothing there, or a device, a pipe or a folder, of which reading might never end.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise DeepJSCCError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise DeepJSCCError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISDIR(mode):
        raise DeepJSCCError(f"{path}: Is a directory")
    if not stat.S_ISREG(mode):
        raise DeepJSCCError(f"{path}: not a regular file")
    return Path(path)


def read_text_file(path: Path | str, limit: int = TEXT_BYTES) -> bytes:
    """Read a file of text that is to be parsed, of at most ``limit`` bytes.

    Raises:
        DeepJSCCError: as :func:`check_regular`, or too many bytes.
    """
    try:
        with check_regular(path).open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror or error}") from None
    if len(data) > limit:
        raise DeepJSCCError(f"{path}: more than the {limit >> 10} kB that such a file may have")
    return data


def refuse_folder(path: Path) -> Path:
    """Return ``path``, the place of a file to be written.

    Raises:
        UsageError: a folder is there.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file")
    return path


def cannot_be_written(path: Path, error: OSError) -> DeepJSCCError:
    """The one line that says why a file cannot be written."""
    if not path.parent.is_dir():
        return DeepJSCCError(f"{path}: cannot be written: the folder {path.parent} does not exist")
    return DeepJSCCError(f"{path}: cannot be written: {error.strerror or error}")
