"""Recipes: a TOML file says what to train, on what, how; every key is typed and an unknown one is an error."""

import dataclasses
import tomllib
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from deepjscc.errors import DeepJSCCError, UsageError


@dataclass(frozen=True)
class ModelRecipe:
    """``name`` of :data:`deepjscc.models.MODELS` and the constructor's keywords."""

    name: str
    config: dict[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChannelRecipe:
    """``name`` of :data:`deepjscc.channels.CHANNELS`; ``snr_db`` fixed, or ``[low, high]`` drawn per image."""

    name: str = "awgn"
    coherence: Literal["image", "symbol"] | None = None
    csi: Literal["none", "receiver"] | None = None
    k_factor_db: float | None = None
    snr_db: float | tuple[float, float] = 10.0


@dataclass(frozen=True)
class DataRecipe:
    """Data sets by name or folder; ``crop`` cuts random squares out of photographs (multiple of the model's stride)."""

    train: str
    validation: str | None = None
    validation_images: int = 1000
    crop: int | None = None


@dataclass(frozen=True)
class OptimiserRecipe:
    """Adam with warm-up, cosine decay to ``final_share`` of the learning rate, clipped gradients and an EMA."""

    learning_rate: float = 1e-3
    final_share: float = 0.01
    batch: int = 64
    epochs: int = 100
    warmup_steps: int = 200
    clip_norm: float = 0.1
    ema_decay: float = 0.999
    loss: Literal["mse", "log_mse"] = "mse"
    precision: Literal["bf16", "fp32"] = "bf16"


@dataclass(frozen=True)
class Recipe:
    """One training."""

    model: ModelRecipe
    data: DataRecipe
    channel: ChannelRecipe = field(default_factory=ChannelRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    seed: int = 0


def read_recipe(path: Path | str) -> Recipe:
    """Read and check a recipe.

    Raises:
        DeepJSCCError: the file is missing.
        UsageError: not TOML, an unknown or missing key, or a value of the wrong type; the key is named.
    """
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        raise DeepJSCCError(f"{path}: no such recipe") from None
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    return build(Recipe, table, str(path))


Table = TypeVar("Table")


def build(kind: type[Table], table: dict[str, Any], where: str) -> Table:
    """Fill a dataclass from a parsed TOML table, strictly.

    Raises:
        UsageError: naming ``where`` and the key.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise UsageError(f"{where}: unknown key {key!r}; there are {', '.join(fields)}")
    for key, f in fields.items():
        if key not in table and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise UsageError(f"{where}: the key {key!r} is missing")
    return kind(**{key: _value(fields[key].type, value, f"{where}: {key}") for key, value in table.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise UsageError(f"{where} must be a table")
        return build(kind, value, where)
    origin, args = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        for option in args:
            try:
                return _value(option, value, where)
            except UsageError:
                continue
    elif origin is Literal:
        if value in args:
            return value
    elif origin is tuple:
        if isinstance(value, list) and len(value) == len(args):
            return tuple(_value(part, item, where) for part, item in zip(args, value, strict=True))
    elif origin is dict:
        if isinstance(value, dict):
            return {key: _value(args[1], item, f"{where}.{key}") for key, item in value.items()}
    elif kind is float and type(value) in (int, float):
        return float(value)
    elif isinstance(kind, type) and type(value) is kind:
        return value
    raise UsageError(f"{where} must be {getattr(kind, '__name__', kind)}, not {value!r}")
