"""The folder of uploaded files: which paths a request may name, and how much the folder holds."""

import os
import stat
import time
from pathlib import Path
from typing import Any

FOLDER_BYTES = 2**30  # beyond this the oldest files go
KEEP_SECONDS = 120.0  # younger files stay, because a handler may be about to read them
NOT_UPLOADED = "this is not a file that was uploaded here"


def is_uploaded(path: str, folder: str | Path) -> bool:
    """Tell whether ``path`` names a regular file inside ``folder`` that is reached through no link.

    The answer is the same for a path outside the folder whether or not a file exists there.

    Args:
        path: absolute path, as a client sent it.
        folder: folder of the uploads.
    """
    root = os.path.realpath(folder)
    try:
        place = os.path.normpath(path)
        if not os.path.isabs(path) or "\0" in path:
            return False
        for name in (str(folder), root):  # the folder itself may lie behind a link, as /tmp does on macOS
            if place.startswith(os.path.normpath(name) + os.sep):
                inside = os.path.join(root, place[len(os.path.normpath(name)) + 1 :])
                break
        else:
            return False
        if os.path.realpath(inside) != inside:
            return False
        found = os.lstat(inside)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def names_other_files(value: Any, folder: str | Path) -> bool:
    """Tell whether a decoded JSON value holds, at any depth, a ``path`` that is not an uploaded file."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            path = item.get("path")
            if path is not None and not (isinstance(path, str) and is_uploaded(path, folder)):
                return True
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


def make_room(folder: str | Path, limit: int = FOLDER_BYTES) -> bool:
    """Delete the oldest files of ``folder`` until at most ``limit`` bytes are left; files in use stay.

    Returns:
        Whether the folder now holds at most ``limit`` bytes.
    """
    files: list[tuple[float, int, str]] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            place = os.path.join(parent, name)
            try:
                found = os.lstat(place)
            except OSError:
                continue  # somebody else deleted it
            files.append((found.st_mtime, found.st_size, place))
    held = sum(size for _, size, _ in files)
    for changed, size, place in sorted(files):
        if held <= limit or time.time() - changed < KEEP_SECONDS:
            break
        Path(place).unlink(missing_ok=True)
        held -= size
    return held <= limit
