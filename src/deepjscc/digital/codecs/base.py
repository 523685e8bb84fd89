"""Budget-driven source codecs: the best picture whose bytes fit, or none (outage)."""

import hashlib
import io
import math
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, Protocol, runtime_checkable

from PIL import Image

from deepjscc.digital.codecs.cache import ByteCache
from deepjscc.digital.codecs.search import SizeModel, largest_that_fits
from deepjscc.errors import DeepJSCCError
from deepjscc.images import from_picture, to_picture
from deepjscc.threads import side_by_side
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
    :class:`deepjscc.digital.codecs.drafted.DraftedCodec` is the base of codecs that take long for one picture.

    Attributes:
        levels: range of the quality level.
        variants: settings such as chroma subsampling, of which every budget takes the one with the highest PSNR.
        growth: typical growth of the logarithm of the size from one level to the next, which steers the search.
        enough: share of the budget at which the search for a finer level stops.
        container: whether header bytes count.
    """

    levels: range
    variants: Sequence[Any] = (None,)
    growth: float = 0.03
    enough: float = 1.0

    def __init__(self, container: bool = True) -> None:
        self.container = container
        self._cache = ByteCache()

    def compress(self, picture: Image.Image, level: int, variant: Any) -> bytes:
        """Code a Pillow picture at one level."""
        raise NotImplementedError

    def decode(self, data: bytes) -> Image8:
        """Bytes back to an 8-bit image.

        Raises:
            DeepJSCCError: a stream that is truncated or broken.
        """
        try:
            return from_picture(Image.open(io.BytesIO(data)).convert("RGB"))
        except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError):
            raise DeepJSCCError(f"{type(self).__name__.lower()}: the stream is truncated or broken") from None

    def payload_bytes(self, data: bytes) -> int:
        """Bytes that carry the picture, without what every file of this format and setting repeats."""
        raise NotImplementedError

    def likely_level(self, picture: Image.Image, max_bytes: int) -> int:
        """The level at which the search starts."""
        return self.levels[len(self.levels) // 2]

    def counted_bytes(self, data: bytes) -> int:
        """Bytes that count against the budget."""
        return len(data) if self.container else self.payload_bytes(data)

    def encode(self, image: Image8, max_bytes: int) -> bytes | None:
        """The best coding that fits; see :meth:`Codec.encode`."""
        source = Source(image)
        return self._cache.get_or_make((source.key, max_bytes), lambda: self.search(source, max_bytes))

    def code(self, source: "Source", level: int, variant: int) -> bytes:
        """One picture at one level and variant (an index), coded now or taken from the cache."""
        made = self._cache.get_or_make(
            (source.key, level, variant), lambda: self.compress(source.picture, level, self.variants[variant])
        )
        assert made is not None
        return made

    def search(self, source: "Source", max_bytes: int) -> bytes | None:
        """The best coding within a budget, over all variants."""
        ends = (self.levels.start, self.levels[-1])
        model = SizeModel(ends, tuple(self.growth * end for end in ends))
        start = self.likely_level(source.picture, max_bytes)

        def find(variant: int) -> bytes | None:
            return largest_that_fits(
                lambda level: self.code(source, level, variant),
                self.levels,
                self.counted_bytes,
                max_bytes,
                start,
                model,
                self.enough,
            )

        fits = [data for data in map(find, range(len(self.variants))) if data is not None]
        if len(fits) > 1:
            return min(fits, key=lambda data: self.mse(source, data))
        return fits[0] if fits else None

    def near(self, image: Image8, budget: int) -> bytes | None:
        """A coding of about ``budget`` counted bytes, a little more or less, for a point of a rate curve.

        Codecs that take long or meet a rate directly override it with a coding that :meth:`encode` starts from as well.
        """
        return self.encode(image, budget)

    def rate_points(self, image: Image8, least_bytes: int, most_bytes: int) -> list[tuple[int, float]]:
        """Counted bytes and mean squared errors (values of 0 to 255) of codings that span a range of budgets.

        Both ends are coded by :meth:`near`, and their geometric mean where the ends are far apart. Budgets in which
        nothing fits are left out.
        """
        source = Source(image)
        budgets = budgets_between(least_bytes, most_bytes)
        codings = side_by_side(*[partial(self.near, image, budget) for budget in budgets])
        return [(self.counted_bytes(data), self.mse(source, data)) for data in codings if data is not None]

    def mse(self, source: "Source", data: bytes) -> float:
        """Mean squared error per value of a coding, values of 0 to 255."""
        return (self.decode(data).float() - source.image.float()).square().mean().item()


class Source:
    """A picture to be coded, in the forms that codecs take, with the key under which its codings are kept."""

    def __init__(self, image: Image8) -> None:
        self.image = image
        self.picture = to_picture(image)

    @cached_property
    def key(self) -> bytes:
        """Hash of the pixels and the size."""
        return hashlib.sha256(self.picture.tobytes() + repr(self.picture.size).encode()).digest()


def budgets_between(least_bytes: int, most_bytes: int) -> list[int]:
    """Both ends, and beyond a factor of two their geometric mean, each once, in rising order."""
    least_bytes = max(1, least_bytes)
    middle = math.isqrt(least_bytes * most_bytes) if most_bytes > 2 * least_bytes else least_bytes
    return sorted({least_bytes, middle, max(least_bytes, most_bytes)})


def save_bytes(picture: Image.Image, form: str, **options: Any) -> bytes:
    """Return the bytes that Pillow would write to a file.

    Raises:
        DeepJSCCError: the format is missing from this Pillow, or cannot hold the picture.
    """
    buffer = io.BytesIO()
    try:
        # Pillow keeps the options at the picture: two threads that save one picture would mix them up.
        picture.copy().save(buffer, form, **options)
    except (OSError, KeyError, ValueError) as error:
        raise DeepJSCCError(f"{form} cannot code a {picture.width}x{picture.height} picture: {error}") from None
    return buffer.getvalue()
