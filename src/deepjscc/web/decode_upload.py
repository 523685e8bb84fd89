"""Decode an uploaded picture in a separate process with limits on bytes, memory and time."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image

from deepjscc.errors import DeepJSCCError

WORKER = (sys.executable, "-m", "deepjscc.web.decode_worker")
DECODE_SECONDS = 60  # on the clock, of a machine that may be busy with others,
CPU_SECONDS = 20  # and of processor time
MEMORY_BYTES = 2 * 2**30  # address space; 40 megapixels of any format need less
WAIT_SECONDS = 90.0
_turns = threading.BoundedSemaphore(2)  # decoders at a time, so that pictures leave the processors to others


def decode_upload(path: str, max_bytes: int, max_pixels: int, side: int) -> tuple[Image.Image, tuple[int, int]]:
    """Decode a picture and scale it down to sides of at most ``side`` pixels.

    Args:
        path: path of a regular file, not of a link.
        max_bytes: largest size of the file.
        max_pixels: largest number of pixels of the stored picture.
        side: longest side of the result, in pixels.

    Returns:
        The picture, and its width and height before scaling.

    Raises:
        DeepJSCCError: the file has too many bytes or pixels, is not a picture, or takes too much time or memory.
    """
    name = Path(path).name
    file = _open_regular(path, name)
    try:
        size = os.fstat(file).st_size
        if size > max_bytes:
            raise DeepJSCCError(f"{name}: the file has {size >> 20} MB; this page accepts up to {max_bytes >> 20} MB")
        if not _turns.acquire(timeout=WAIT_SECONDS):
            raise DeepJSCCError(f"{name}: other pictures are being decoded; try again later")
        try:
            return _decode(file, name, max_bytes, max_pixels, side)
        finally:
            _turns.release()
    finally:
        os.close(file)


def _open_regular(path: str, name: str) -> int:
    """Open a regular file and return its descriptor; a FIFO does not block, and a link is not followed."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        raise DeepJSCCError(f"{name}: no such file") from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise DeepJSCCError(f"{name}: not a regular file")
    return file


def _decode(file: int, name: str, *limits: int) -> tuple[Image.Image, tuple[int, int]]:
    seconds = DECODE_SECONDS
    with tempfile.TemporaryFile() as output:
        # The worker gets an open file, no path: what was checked is what is read.
        arguments = [*WORKER, name, *map(str, limits), str(CPU_SECONDS), str(MEMORY_BYTES)]
        with subprocess.Popen(arguments, stdin=file, stdout=output, stderr=subprocess.DEVNULL) as worker:
            try:
                worker.wait(seconds)
            except subprocess.TimeoutExpired:
                raise DeepJSCCError(f"{name}: decoding took more than {seconds} s; use a simpler file") from None
            finally:
                worker.kill()
        output.seek(0)
        head = json.loads(output.readline() or b"{}")
        if "error" in head:
            raise DeepJSCCError(head["error"])
        if worker.returncode != 0 or "size" not in head:
            raise DeepJSCCError(f"{name}: decoding took too much time or memory; use a smaller picture")
        width, height = head["was"]
        return Image.frombytes("RGB", tuple(head["size"]), output.read()), (width, height)
