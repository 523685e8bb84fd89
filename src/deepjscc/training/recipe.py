"""Recipes: a TOML file says what to train, on what, how; every key is typed and an unknown one is an error."""

import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import read_text_file
from deepjscc.types import Size

MAX_BASES = 16
RECIPE_BYTES = 2**16  # tomllib takes time that grows with the square of some files
ModelConfig = dict[str, bool | int | float | str]


class StrictTable:
    """What pydantic is told of every table of a recipe: a key that it does not have is an error."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True)
class ModelRecipe(StrictTable):
    """``name`` of :data:`deepjscc.models.MODELS` and the constructor's keywords.

    ``warm_start`` names weights (zoo or ``.safetensors``) to begin with; where a layer is narrower or wider there, what
    both have in common is taken over. Of several the later ones win. ``refines`` names the links whose pictures a
    `diffusion` model learns to refine.
    """

    name: str
    config: ModelConfig = field(default_factory=dict)
    warm_start: str | list[str] | None = None
    refines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if (self.name == "diffusion") != bool(self.refines):
            raise UsageError("model.refines names the links that a diffusion model refines, and belongs to it alone")


@dataclass(frozen=True)
class ChannelRecipe(StrictTable):
    """``name`` of :data:`deepjscc.channels.CHANNELS`; ``snr_db`` fixed, or ``[low, high]`` drawn per image.

    ``bandwidth_ratio``, for models that take one, is fixed too, or ``[low, high]``: one a step, its logarithm uniform.
    Of pairs, ``noiseless`` is the share in which one of the two links, left or right alike, has no noise.
    """

    name: str = "awgn"
    coherence: Literal["image", "symbol"] | None = None
    csi: Literal["none", "receiver", "estimated"] | None = None
    k_factor_db: float | None = None
    snr_db: float | tuple[float, float] = 10.0
    bandwidth_ratio: float | tuple[float, float] | None = None
    noiseless: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.noiseless <= 1:
            raise UsageError(f"channel.noiseless must be from 0 to 1, not {self.noiseless}")
        for name, value in (("snr_db", self.snr_db), ("bandwidth_ratio", self.bandwidth_ratio)):
            low, high = value if isinstance(value, tuple) else (value, value)
            if low is not None and high is not None and not low <= high:
                raise UsageError(f"channel.{name} must be a number, or [low, high], not {value}")
            if name == "bandwidth_ratio" and low is not None and high is not None and not 0 < low <= high < math.inf:
                raise UsageError(f"channel.bandwidth_ratio must be positive and finite, not {value}")


@dataclass(frozen=True)
class OtherChannelRecipe(ChannelRecipe):
    """A channel that a ``share`` of the steps go over instead of the main one."""

    share: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise UsageError(f"other_channels.share must be more than 0 and up to 1, not {self.share}")


@dataclass(frozen=True)
class DataRecipe(StrictTable):
    """Data sets by name or folder, of pictures or of pairs.

    ``crop`` cuts random squares, or windows of ``[height, width]``, out of photographs (multiples of the model's
    stride), out of both pictures of a pair at the same place; ``cuts`` of each an epoch. Steps draw the side of their
    squares from ``crop`` and ``larger_crops``, and take so many fewer images that they have about as many pixels: from
    squares of one size a deep network learns to rely on the padding at their borders. Of pairs, ``unrelated`` is the
    share that gets its right view from another pair, ``layered`` a data set of photographs and ``layered_share`` the
    share of pairs that are made of those, as views of a scene of flat layers.
    """

    train: str
    validation: str | None = None
    validation_images: int = 1000
    crop: int | tuple[int, int] | None = None
    cuts: int = 1
    larger_crops: list[int] = field(default_factory=list)
    unrelated: float = 0.0
    layered: str | None = None
    layered_share: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.unrelated <= 1 and 0 <= self.layered_share <= 1):
            raise UsageError("data.unrelated and data.layered_share must be from 0 to 1")
        if (self.layered is None) != (self.layered_share == 0):
            raise UsageError("data.layered names the photographs of the data.layered_share of the pairs; give both")
        if self.cuts < 1 or (self.window is not None and min(self.window) < 1):
            raise UsageError("data.cuts and data.crop must be at least 1")

    @property
    def window(self) -> Size | None:
        """Height and width of the crop."""
        return (self.crop, self.crop) if isinstance(self.crop, int) else self.crop


@dataclass(frozen=True)
class OptimiserRecipe(StrictTable):
    """Adam or Muon with warm-up, cosine decay to ``final_share`` of the learning rate, clipped gradients and an EMA.

    ``compile`` hands the step to torch.compile: a minute at the start, worth it on an accelerator.
    """

    name: Literal["adam", "adamw", "muon"] = "adam"
    weight_decay: float = 0.0
    learning_rate: float = 1e-3
    final_share: float = 0.01
    batch: int = 64
    epochs: int = 100
    warmup_steps: int = 200
    clip_norm: float = 0.1
    ema_decay: float = 0.999
    loss: Literal["mse", "log_mse", "ms_ssim", "mse_ms_ssim", "lpips"] = "mse"
    precision: Literal["bf16", "fp32"] = "bf16"
    compile: bool = False

    def __post_init__(self) -> None:
        if self.batch < 1 or self.epochs < 1 or self.warmup_steps < 0:
            raise UsageError("optimiser.batch and optimiser.epochs must be at least 1, warmup_steps at least 0")
        if not (0 < self.learning_rate < math.inf and self.clip_norm > 0 and 0 <= self.ema_decay < 1):
            raise UsageError(
                "optimiser.learning_rate must be positive and finite, clip_norm more than 0, ema_decay in [0, 1)"
            )
        if not (0 <= self.weight_decay < math.inf and 0 <= self.final_share <= 1):
            raise UsageError("optimiser.weight_decay must be at least 0 and finite, final_share in [0, 1]")


@dataclass(frozen=True)
class Recipe(StrictTable):
    """One training; ``other_channels`` take their shares of the steps away from ``channel``.

    ``constellation``, as ``64qam`` or ``64qam-lloyd``, is what the transmitter rounds its symbols to.
    """

    model: ModelRecipe
    data: DataRecipe
    channel: ChannelRecipe = field(default_factory=ChannelRecipe)
    other_channels: list[OtherChannelRecipe] = field(default_factory=list)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    constellation: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed must be from 0 to 2^63 - 1, not {self.seed}")
        if sum(other.share for other in self.other_channels) > 1:
            raise UsageError("the shares of other_channels come to more than 1")


def read_recipe(path: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        path: a TOML file; its key ``base`` names another beside it whose values hold where this one says nothing.
        overrides: single values that win over the file, as ``channel.snr_db=0`` (the value in TOML's way).

    Raises:
        DeepJSCCError: a file is missing.
        UsageError: not TOML, an unknown or missing key, or a value of the wrong type; the key is named.
    """
    table = _read_table(Path(path))
    for override in overrides:
        table = _merged(table, _override(override))
    return build(Recipe, table, str(path))


def _read_table(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A recipe's table with those of its bases beneath it."""
    if path.resolve() in seen:
        raise UsageError(f"{path}: a recipe cannot be its own base")
    if len(seen) > MAX_BASES:
        raise UsageError(f"{path}: a recipe with more than {MAX_BASES} bases")
    if not path.exists():
        raise DeepJSCCError(f"{path}: no such recipe")
    table = read_toml(path)
    base = table.pop("base", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise UsageError(f"{path}: base must be the name of a recipe, not {base!r}")
    if "\0" in base:
        raise UsageError(f"{path}: base holds a null character; there is no such recipe")
    return _merged(_read_table(path.parent / base, (*seen, path.resolve())), table)


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        DeepJSCCError: missing, not a regular file, or too large.
        UsageError: not TOML, or nested too deeply.
    """
    data = read_text_file(path, RECIPE_BYTES)
    try:
        return tomllib.loads(data.decode())
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, or a whole number of too many digits
        raise UsageError(f"{path}: not TOML: {error}") from None


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two tables in one; where both have a value the upper one holds."""
    both = dict(below)
    for key, value in above.items():
        inner = both.get(key)
        both[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def _override(text: str) -> dict[str, Any]:
    """``channel.snr_db=0`` as a table; a value that is not TOML is taken for a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{text!r} is not KEY=VALUE, such as channel.snr_db=0")
    try:
        return tomllib.loads(f"{key} = {value}")
    except RecursionError:
        raise UsageError(f"{text[:40]!r}…: nested too deeply") from None
    except ValueError:
        try:
            return tomllib.loads(f"{key} = {json.dumps(value)}")
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{text!r:.80}: {error}") from None


Table = TypeVar("Table")


def build(kind: type[Table], table: dict[str, Any], where: str) -> Table:
    """Fill a dataclass from a parsed TOML table, strictly: no unknown key, no value of another type.

    Raises:
        UsageError: naming ``where`` and the key.
        DeepJSCCError: pydantic is not installed.
    """
    try:
        from pydantic import TypeAdapter, ValidationError
    except ImportError:
        raise DeepJSCCError("recipes need pydantic: pip install 'deepjscc[train]'") from None
    try:
        # TOML's types are those of JSON, but for dates, which no key takes; there a list may stand for a tuple.
        return TypeAdapter(kind).validate_json(json.dumps(table, default=str), strict=True)
    except RecursionError:
        raise UsageError(f"{where}: nested too deeply") from None
    except ValidationError as failed:
        raise _named(failed.errors(include_url=False), table, where) from None


def _named(errors: Sequence[Any], table: dict[str, Any], where: str) -> UsageError:
    """The first thing that is wrong with a table, in one line."""
    first = next((one for one in errors if one["type"] == "unexpected_keyword_argument"), errors[0])
    *outer, last = first["loc"] or ("",)
    path = _path(first["loc"], table)
    key, inside = ".".join(path), "".join(f" of {step}" for step in reversed(outer))
    if first["type"] == "value_error":  # a check of ours
        return UsageError(f"{where}: {first['ctx']['error']}")
    if first["type"] == "unexpected_keyword_argument":
        return UsageError(f"{where}: unknown key {str(last)!r}{inside}")
    if first["type"] == "missing":
        return UsageError(f"{where}: the key {str(last)!r} is missing{inside}")
    value: Any = table
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    # Of a value that may be of several types there is an error for each.
    wanted = [one["msg"].removeprefix("Input should be ") for one in errors if _path(one["loc"], table) == path]
    return UsageError(f"{where}: {key} must be {' or '.join(dict.fromkeys(wanted))}, not {repr(value)[:80]}")


def _path(place: Sequence[str | int], table: dict[str, Any]) -> list[str]:
    """The keys of a place in a table; pydantic puts the names of types between them."""
    value: Any = table
    path: list[str] = []
    for step in place:
        inside = step in value if isinstance(value, dict) else isinstance(value, list) and isinstance(step, int)
        if inside:
            value = value[step]
            path.append(str(step))
    return path
