"""The AV1 stream inside an AVIF file, and the file around such a stream: about 300 bytes that need not be sent.

Boxes as in ISO/IEC 14496-12 (file format), 23008-12 (HEIF) and the AV1 Image File Format.
"""

import struct
from collections.abc import Iterator
from functools import cache

from PIL import Image

from deepjscc.digital.codecs.base import save_bytes
from deepjscc.errors import DeepJSCCError

_HEAD = struct.Struct(">HHB")  # height, width, chroma format and level of the AV1 sequence
_FORMATS = ("4:2:0", "4:4:4")
_CONTAINERS = {b"meta": 12, b"iprp": 8, b"ipco": 8}  # boxes that hold boxes, and the bytes before the first


def extract(file: bytes, variant: str) -> bytes:
    """Size, format and AV1 stream of an AVIF file as Pillow writes it.

    Args:
        file: an AVIF file of one picture, all of whose parameters but those kept follow from ``variant``.
        variant: chroma format, 4:2:0 or 4:4:4.

    Returns:
        The stream behind a head of 5 bytes.
    """
    boxes = dict(_boxes(file, 0, len(file)))
    start, end = boxes[b"mdat"]
    width, height = struct.unpack_from(">II", file, boxes[b"ispe"][0] + 4)
    level = file[boxes[b"av1C"][0] + 1] & 31
    return _HEAD.pack(height, width, _FORMATS.index(variant) << 5 | level) + file[start:end]


def restore(data: bytes) -> bytes:
    """An AVIF file around what :func:`extract` made.

    Raises:
        DeepJSCCError: data that is no such stream.
    """
    if len(data) <= _HEAD.size or data[4] >> 5 >= len(_FORMATS):
        raise DeepJSCCError("avif: the stream is truncated or broken")
    height, width, format_and_level = _HEAD.unpack_from(data)
    template = _template(_FORMATS[format_and_level >> 5])
    file, boxes = bytearray(template), dict(_boxes(template, 0, len(template)))
    struct.pack_into(">II", file, boxes[b"ispe"][0] + 4, width, height)
    configuration = boxes[b"av1C"][0] + 1
    file[configuration] = file[configuration] & ~31 | format_and_level & 31
    start, end = boxes[b"mdat"]
    stream = data[_HEAD.size :]
    place = template.index(struct.pack(">II", start, end - start), *boxes[b"iloc"])  # offset and length of the item
    struct.pack_into(">II", file, place, start, len(stream))
    struct.pack_into(">I", file, start - 8, len(stream) + 8)
    return bytes(file[:start]) + stream + bytes(file[end:])


def head_bytes() -> int:
    """Bytes before the AV1 stream."""
    return _HEAD.size


@cache
def _template(variant: str) -> bytes:
    """A file of the same format around another picture."""
    return save_bytes(Image.new("RGB", (16, 16)), "AVIF", quality=50, subsampling=variant, speed=10, max_threads=1)


def _boxes(file: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Type and content of the boxes, where they begin and end; of more than one of a type the last counts."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", file, start)
        stop = start + length if length else end
        yield kind, (start + 8, stop)
        if kind in _CONTAINERS:
            yield from _boxes(file, start + _CONTAINERS[kind], stop)
        start = stop
