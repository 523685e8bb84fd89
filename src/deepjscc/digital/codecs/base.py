"""Budget-driven source codecs: the best picture whose bytes fit, or none (outage)."""

import hashlib
import io
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

from PIL import Image

from deepjscc.digital.codecs.rates import RateStore
from deepjscc.errors import DeepJSCCError
from deepjscc.images import from_picture, to_picture
from deepjscc.types import Image8


@runtime_checkable
class Codec(Protocol):
    """Image to bytes within a budget, and back."""

    container: bool

    def encode(self, image: Image8, max_bytes: int) -> bytes | None:
        """The best coding of an 8-bit image in at most ``max_bytes`` counted bytes; None when none fits (outage).

        Counted are all bytes if ``container``, else those that carry the picture (see :meth:`counted_bytes`).
        """
        ...

    def decode(self, data: bytes) -> Image8:
        """Bytes back to an 8-bit image."""
        ...

    def counted_bytes(self, data: bytes) -> int:
        """Bytes that count against the budget."""
        ...


class LevelCodec:
    """A codec with a ladder of quality levels, searched for the best that fits.

    A codec of one's own writes :meth:`compress`, :meth:`decode` and :meth:`payload_bytes` and sets ``levels`` and
    ``variants``. Sizes grow with the level but for small dips, which can cost a level, never the budget.

    A slow codec sets ``stride`` and writes :attr:`settings` too: sizes then steer its search, variants are coded side
    by side, and what was coded is kept on disk (:class:`deepjscc.digital.codecs.rates.RateStore`).

    Attributes:
        levels: range of the quality level.
        variants: settings tried against each other at every budget, by PSNR (such as chroma subsampling).
        stride: of a slow codec, the levels between those coded first (see :func:`steered_search`); 0 for a quick one.
        container: whether header bytes count.
    """

    levels: range
    variants: Sequence[Any] = (None,)
    stride: int = 0

    def __init__(self, container: bool = True) -> None:
        self.container = container
        self._cache = ByteCache()

    def compress(self, picture: Image.Image, level: int, variant: Any) -> bytes:
        """Code a Pillow picture at one level."""
        raise NotImplementedError

    def decode(self, data: bytes) -> Image8:
        """Bytes back to an 8-bit image."""
        return from_picture(Image.open(io.BytesIO(data)).convert("RGB"))

    def payload_bytes(self, data: bytes) -> int:
        """Bytes that carry the picture, without what every file of this format and setting repeats."""
        raise NotImplementedError

    def likely_level(self, picture: Image.Image, max_bytes: int) -> int | None:
        """Where a codec that takes a target of bytes should be looked for; None: anywhere."""
        return None

    def counted_bytes(self, data: bytes) -> int:
        """Bytes that count against the budget."""
        return len(data) if self.container else self.payload_bytes(data)

    @property
    def settings(self) -> str:
        """Of a slow codec, all that :meth:`compress` depends on beside its arguments, versions above all."""
        raise NotImplementedError

    @cached_property
    def _store(self) -> RateStore:
        return RateStore(type(self).__name__.lower(), self.settings)

    def encode(self, image: Image8, max_bytes: int) -> bytes | None:
        """The best coding that fits; see :meth:`Codec.encode`."""
        picture = to_picture(image)
        key = hashlib.sha256(picture.tobytes() + repr(picture.size).encode()).digest()
        return self._cache.get_or_make((key, max_bytes), lambda: self._search(picture, key, max_bytes))

    def _search(self, picture: Image.Image, key: bytes, max_bytes: int) -> bytes | None:
        store = self._store if self.stride else None

        def search(index: int) -> bytes | None:
            def attempt(level: int) -> bytes:
                data = self._cache.get_or_make(
                    (key, level, index), lambda: self._rate_point(picture, key, level, index, store)
                )
                assert data is not None
                return data

            if self.stride:
                return steered_search(attempt, self.levels, self.counted_bytes, max_bytes, self.stride)
            near = self.likely_level(picture, max_bytes)
            return largest_that_fits(attempt, self.levels, self.counted_bytes, max_bytes, near)

        if self.stride:
            with ThreadPoolExecutor(len(self.variants)) as pool:
                found = list(pool.map(search, range(len(self.variants))))
        else:
            found = [search(index) for index in range(len(self.variants))]
        fits = [data for data in found if data is not None]
        if len(fits) < 2:
            return fits[0] if fits else None
        image = from_picture(picture).float()
        return min(fits, key=lambda data: (self.decode(data).float() - image).square().mean().item())

    def _rate_point(self, picture: Image.Image, key: bytes, level: int, index: int, store: RateStore | None) -> bytes:
        """One picture at one level, from disk if it was coded before."""
        data = store and store.get(key, index, level)
        if not data:
            data = self.compress(picture, level, self.variants[index])
            if store:
                store.put(key, index, level, data)
        return data


class ByteCache:
    """What was coded last, up to so many bytes: a sweep over SNRs and fades asks for the same again and again."""

    ENTRY_OVERHEAD = 200

    def __init__(self, max_bytes: int = 256 * 2**20) -> None:
        self.max_bytes, self.bytes = max_bytes, 0
        self._entries: OrderedDict[Hashable, bytes | None] = OrderedDict()
        self._lock = threading.Lock()  # variants are searched side by side; what they make is not held up

    def get_or_make(self, key: Hashable, make: Callable[[], bytes | None]) -> bytes | None:
        """The entry of this key, made now if it is not there."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        data = make()
        with self._lock:
            self.bytes += self._size(data) - (self._size(self._entries[key]) if key in self._entries else 0)
            self._entries[key] = data
            while self.bytes > self.max_bytes:
                self.bytes -= self._size(self._entries.popitem(last=False)[1])
        return data

    def _size(self, data: bytes | None) -> int:
        return len(data or b"") + self.ENTRY_OVERHEAD


def largest_that_fits(
    attempt: Callable[[int], bytes],
    levels: range,
    counted: Callable[[bytes], int],
    max_bytes: int,
    near: int | None = None,
) -> bytes | None:
    """The highest level whose counted bytes fit; None when not even the lowest does.

    Sizes must grow with the level. Bisects, or looks around ``near`` in steps that double, and bisects the last.
    """
    best, low, high = None, levels.start, levels.stop - 1
    step = 1
    while low <= high:
        middle = (low + high) // 2 if near is None else min(max(near, low), high)
        data = attempt(middle)
        fits = counted(data) <= max_bytes
        if fits:
            best, low = data, middle + 1
        else:
            high = middle - 1
        if near is not None:
            turned = (best is not None) and high < levels.stop - 1  # the border is between two levels tried
            near = None if turned else middle + step if fits else middle - step
            step *= 2
    return best


def steered_search(
    attempt: Callable[[int], bytes], levels: range, counted: Callable[[bytes], int], max_bytes: int, stride: int
) -> bytes | None:
    """The highest level whose counted bytes fit, in few attempts: sizes grow about exponentially with the level.

    Every ``stride``-th level is searched by bisection; many budgets share those. Between two of them the logarithm of
    the size is interpolated until a level fits and the next does not. Which levels are tried depends on nothing but the
    picture and the budget, so the answer does not depend on what has been coded before.
    """
    coarse = levels[::stride]
    sizes: dict[int, int] = {}

    def fits(level: int) -> bool:
        sizes[level] = max(1, counted(attempt(level)))
        return sizes[level] <= max_bytes

    below, above = -1, len(coarse)
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if fits(coarse[middle]) else (below, middle)
    if below < 0:
        return None
    low, high = coarse[below], coarse[above] if above < len(coarse) else levels.stop
    for turn in itertools.count():
        if high - low <= 1:
            break
        share = 0.5
        if high in sizes and turn < 3:  # beyond that sizes are no smooth curve here, and halving is quicker
            share = math.log(max_bytes / sizes[low]) / math.log(sizes[high] / sizes[low])
        guess = min(max(low + int(share * (high - low)), low + 1), high - 1)
        low, high = (guess, high) if fits(guess) else (low, guess)
    return attempt(low)


def save_bytes(picture: Image.Image, form: str, **options: Any) -> bytes:
    """What Pillow would write to a file.

    Raises:
        DeepJSCCError: the format is missing from this Pillow, or cannot hold the picture.
    """
    buffer = io.BytesIO()
    try:
        picture.save(buffer, form, **options)
    except (OSError, KeyError, ValueError) as error:
        raise DeepJSCCError(f"{form} cannot code a {picture.width}x{picture.height} picture: {error}") from None
    return buffer.getvalue()
