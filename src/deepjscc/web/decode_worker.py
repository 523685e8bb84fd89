"""The process in which an uploaded picture is decoded: run by :mod:`deepjscc.web.decode_upload`, never imported by it.

It reads the file from standard input and writes one line of JSON and the RGB bytes to standard output, which is a file.
"""

import io
import json
import sys

from PIL import Image

from deepjscc.errors import DeepJSCCError
from deepjscc.open_image import open_rgb


def bound_resources(seconds: int, memory_bytes: int, output_bytes: int) -> None:
    """Set limits of the kernel on processor time, memory and output of this process, where the system has them."""
    try:
        import resource
    except ImportError:  # Windows: the time limit of the parent remains
        return
    for name, limit in (
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_AS", memory_bytes),
        ("RLIMIT_FSIZE", output_bytes),
        ("RLIMIT_CORE", 0),
    ):
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (AttributeError, OSError, ValueError):
            continue  # macOS knows no limit of the address space


def main(name: str, file_bytes: int, pixels: int, side: int, seconds: int, memory_bytes: int) -> None:
    """Decode standard input, scaled down to sides of at most ``side`` pixels."""
    bound_resources(seconds, memory_bytes, output_bytes=3 * side * side + 2**16)
    content = io.BytesIO(sys.stdin.buffer.read(file_bytes))
    content.name = name  # for the messages
    head: dict[str, object]
    try:
        picture = open_rgb(content, pixels)
        size = picture.size
        if max(size) > side:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        head, body = {"was": size, "size": picture.size}, picture.tobytes()
    except DeepJSCCError as error:
        head, body = {"error": str(error)}, b""
    except MemoryError:
        head, body = {"error": f"{name}: not enough memory for this picture; take a smaller one"}, b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
