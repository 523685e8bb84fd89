"""Transmission of large pictures as tiles. Each tile is a separate transmission, so that a tile bounds the memory.

The channel uses are divided among the tiles in such a way that their errors are about equal; the sizes of the tiles as
JPEG at one quality estimate how much each needs. A digital layer ahead of the tiles holds one byte for each of them.
Systems whose models work strip by strip need no tiles; see :mod:`deepjscc.systems.strips`.
"""

import io
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from PIL import Image, ImageStat

from deepjscc.images import from_picture, to_float, to_picture
from deepjscc.symbols import channel_uses
from deepjscc.systems.link import Link
from deepjscc.systems.transport import send_over
from deepjscc.types import DigitalLayer, Encoded, Images, Size, SnrDb
from deepjscc.units import awgn_capacity

Task = TypeVar("Task")
Result = TypeVar("Result")
TILE_SIDE = 768  # at most, of a tile; a multiple of the blocks of every transform
_BLOCK = 16
_OCTAVE, _STEPS = 8, 48  # steps of a tile's weight that double it, and steps in all
_JPEG_HEADER = 620  # bytes of Pillow's files, about
_QUALITIES = (5, 10, 20, 35, 50, 65, 80, 90, 95)  # of the JPEGs
_SAMPLE = 16  # tiles that choose the quality


@dataclass(frozen=True)
class Box:
    """The position of a tile: rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def values(self) -> int:
        """Number of source values of the tile."""
        return 3 * (self.bottom - self.top) * (self.right - self.left)

    def crop(self, picture: Image.Image) -> Image.Image:
        """Cut the tile out of a picture."""
        return picture.crop((self.left, self.top, self.right, self.bottom))


@dataclass(frozen=True)
class TiledTransmission:
    """The result of sending a picture as tiles.

    Attributes:
        picture: the received picture, 8-bit RGB.
        channel_uses: complex channel uses of all tiles and of their weights, pilots included.
        delivered: False if every tile was lost.
        layers: names of the layers that arrived, with the share of the tiles of each combination if there are several;
            None for a system without layers.
    """

    picture: Image.Image
    channel_uses: int
    delivered: bool
    layers: str | None


@torch.no_grad()
def transmit_tiles(
    link: Link,
    picture: Image.Image,
    snr_db: SnrDb,
    *,
    encoder_snr_db: SnrDb | None = None,
    generator: torch.Generator | None = None,
) -> TiledTransmission:
    """Send an 8-bit RGB Pillow picture tile by tile; under slow fading all tiles have the same gain.

    Args:
        link: a link of any transmitter and receiver. Without a bandwidth ratio, every tile has the transmitter's own.
        picture: the picture to send.
        snr_db: P / N0 of the channel in dB, ``[1]``.
        encoder_snr_db: design SNR in dB, ``[1]``; None takes the channel's SNR.
        generator: random generator of gains and noise.

    Raises:
        UsageError: the transmitter does not support the bandwidth ratio.
    """
    design_snr_db = snr_db if encoder_snr_db is None else encoder_snr_db
    boxes = tile_boxes((picture.height, picture.width))
    gain = link.channel.draw_gain(1, 1, generator) if link.channel.coherence == "image" else None
    mean = tuple(round(value) for value in ImageStat.Stat(picture).mean)  # shown where a tile is lost
    result, uses, told = Image.new("RGB", picture.size, mean), 0, True
    ratios: list[float | None] = [link.bandwidth_ratio] * len(boxes)
    if link.bandwidth_ratio is not None and len(boxes) > 1:
        total = channel_uses((picture.height, picture.width), link.bandwidth_ratio)
        bits = float(awgn_capacity(design_snr_db.clamp(-20, 40)))
        weights = DigitalLayer(tile_weights(picture, boxes, total * bits / 8), name="tiles")
        ahead = Encoded(torch.zeros(1, 0, dtype=torch.complex64), ((weights,),))
        told = send_over(link.channel, ahead, snr_db, generator, gain=gain).digital[0][0] is not None
        uses = int(link.spent(ahead))
        ratios = list(tile_ratios(weights.data or b"", boxes, total - uses))

    def encode(task: tuple[Box, float | None]) -> tuple[Box, Link, Images, Encoded]:
        box, ratio = task
        own, tile = link.with_ratio(ratio), to_float(from_picture(box.crop(picture)))
        return box, own, tile, own.encode(tile, design_snr_db)

    found, delivered, counted = Counter[str](), False, False
    for box, own, tile, encoded in _in_threads(encode, zip(boxes, ratios, strict=True)):
        sent = own.receive(send_over(own.channel, encoded, snr_db, generator, gain=gain), encoded, tile)
        arrived = told and bool(sent.delivered)
        if arrived:
            result.paste(to_picture(sent.images[0]), (box.left, box.top))
        uses, delivered = uses + int(sent.channel_uses), delivered or arrived
        counted = counted or bool(sent.layers)
        found["+".join(sent.layers[0]) if sent.layers and arrived else ""] += 1
    return TiledTransmission(result, uses, delivered, _shares(found) if counted else None)


def tile_boxes(size: Size) -> list[Box]:
    """Cut a picture into tiles of nearly the same size, at most :data:`TILE_SIDE` a side, row by row.

    >>> [(box.top, box.left, box.bottom, box.right) for box in tile_boxes((700, 1500))]
    [(0, 0, 700, 752), (0, 752, 700, 1500)]
    """
    rows, columns = (_cuts(side) for side in size)
    return [Box(*one, *other) for one in rows for other in columns]


def tile_weights(picture: Image.Image, boxes: list[Box], budget_bytes: float) -> bytes:
    """The weight of each tile, one byte: the logarithm to base 2 of its size as JPEG in bytes, in steps of 1/8.

    Args:
        picture: 8-bit RGB.
        boxes: the positions of its tiles.
        budget_bytes: approximate number of bytes that the channel uses carry; the JPEG quality is chosen for it.
    """
    sample = [box.crop(picture) for box in boxes[:: math.ceil(len(boxes) / _SAMPLE)]]
    wanted = budget_bytes * len(sample) / len(boxes)
    sizes = {quality: sum(_jpeg_bytes(tile, quality) for tile in sample) for quality in _QUALITIES}
    quality = min(_QUALITIES, key=lambda one: abs(math.log(sizes[one] / max(wanted, 1))))
    octaves = [math.log2(_jpeg_bytes(box.crop(picture), quality)) for box in boxes]
    return bytes(max(0, round(_STEPS - _OCTAVE * (max(octaves) - one))) for one in octaves)


def tile_ratios(weights: bytes, boxes: list[Box], uses: int) -> Iterator[float]:
    """Bandwidth ratio of each tile, which both ends derive from the weights; all tiles take at most ``uses`` together.

    >>> boxes = tile_boxes((100, 1500))
    >>> [round(ratio * box.values) for ratio, box in zip(tile_ratios(bytes([40, 48]), boxes, 3000), boxes)]
    [1000, 2000]
    """
    values = [2 ** (weight / _OCTAVE) for weight in weights]
    for value, box in zip(values, boxes, strict=True):
        yield max(1, math.floor(uses * value / sum(values) + 1e-6)) / box.values


def _jpeg_bytes(tile: Image.Image, quality: int) -> int:
    """Size of a tile as JPEG without the header, in bytes, with a lower bound for each block."""
    buffer = io.BytesIO()
    tile.save(buffer, "JPEG", quality=quality)
    return max(buffer.tell() - _JPEG_HEADER, tile.width * tile.height // 200, 1)


def _cuts(side: int) -> list[tuple[int, int]]:
    """Divide one side of a picture into nearly equal parts whose ends are multiples of a block."""
    step = math.ceil(side / math.ceil(side / TILE_SIDE) / _BLOCK) * _BLOCK
    return [(start, min(start + step, side)) for start in range(0, side, step)]


def _shares(found: Counter[str]) -> str:
    """Name the layers that arrived, with the share of the tiles of each combination if there are several."""
    if len(found) == 1:
        return next(iter(found))
    tiles = found.total()
    return ", ".join(f"{layers or 'none'} {100 * count / tiles:.0f}%" for layers, count in found.most_common())


def _in_threads(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Compute results in as many threads as torch uses, in order and only a few ahead, so that memory is bounded."""
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Result]] = deque()
        for task in tasks:
            ahead.append(pool.submit(work, task))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
