"""Checkpoints: one safetensors file holds the weights, and in its metadata the model's name and config. No pickle."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from deepjscc.errors import DeepJSCCError
from deepjscc.extensions import find_installed
from deepjscc.files import TEXT_BYTES, check_regular, write_atomically
from deepjscc.models import MODELS
from deepjscc.models.base import JSCC
from deepjscc.models.bounded_build import check_fit
from deepjscc.models.diffusion import Diffusion
from deepjscc.models.residual_code import ResidualCode

LEVELS = 127  # to either side of 0, of weights stored in 8 bits
STEPS = ":steps"  # ending of the name of what those are multiplied by


@runtime_checkable
class Stored(Protocol):
    """An object that has weights to store, a name of its kind and a config to build it by."""

    kind: ClassVar[str]
    config: dict[str, Any]

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The weights."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The weights that training changes."""


def save_checkpoint(model: Stored, path: Path | str, dtype: torch.dtype | None = None) -> None:
    """Write a model's weights and config to a file, atomically.

    Args:
        model: what to store.
        path: a ``.safetensors`` file.
        dtype: store floating-point weights as this; None keeps them. Half precision halves the file. ``torch.int8``
            halves it once more: kernels and matrices that training learns are rounded to 255 levels between the
            extremes of each of their rows, tables and all else are in half precision.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if dtype == torch.int8:
        learned = {name for name, weight in model.named_parameters() if weight.dim() > 1}
        state = {name: value for stored in state.items() for name, value in _rounded(*stored, learned)}
    elif dtype is not None:
        state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    metadata = {"model": model.kind, "config": json.dumps(model.config)}
    write_atomically(path, lambda file: file.write(serialise(state, metadata)))


def load_checkpoint(path: Path | str, model: type[JSCC] | None = None) -> JSCC:
    """Build the model a checkpoint names and fill in its weights, in float32, in evaluation mode.

    A checkpoint never names a file to run: the class of a model that is neither of this package nor of an installed one
    must be given.

    Args:
        path: a ``.safetensors`` file.
        model: the class of the model; None takes the one that the checkpoint names.

    Raises:
        DeepJSCCError: missing, not a checkpoint of ours, or weights that do not fit the model.
    """
    return _load(path, MODELS if model is None else {model.kind: model})


def load_refiner(path: Path | str) -> Diffusion:
    """:func:`load_checkpoint` for a refiner of the pictures that a link delivers."""
    return _load(path, {Diffusion.kind: Diffusion})


def load_residual_code(path: Path | str) -> ResidualCode:
    """:func:`load_checkpoint` for the analog layer of a hybrid."""
    return _load(path, {ResidualCode.kind: ResidualCode})


Network = TypeVar("Network", bound=nn.Module)


def content_hash(path: Path | str) -> str:
    """SHA-256, in hex, of what a checkpoint holds: its model's name and config, and every tensor by its name.

    It does not depend on the order in which a file holds them: safetensors writes its metadata in any order.

    Raises:
        DeepJSCCError: missing, or not a safetensors file.
    """
    metadata, state = _read(path)
    try:
        config = json.loads(metadata.get("config", "null"))
    except (ValueError, RecursionError) as error:
        raise DeepJSCCError(f"{path}: its config is not JSON ({error})") from None
    digest = hashlib.sha256(json.dumps([metadata.get("model"), config], sort_keys=True).encode())
    for name in sorted(state):
        value = state[name]
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path | str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file."""
    check_regular(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            if sum(map(len, metadata.values())) > TEXT_BYTES:
                raise ValueError(f"metadata of more than {TEXT_BYTES >> 20} MB")
            return metadata, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise DeepJSCCError(f"{path}: not a safetensors checkpoint ({error})") from None


def _load(path: Path | str, kinds: Mapping[str, type[Network]]) -> Network:
    metadata, state = _read(path)
    kind = metadata.get("model", "none")
    installed = find_installed(kind, "model") if kinds is MODELS and kind not in kinds else None
    if installed is not None:
        kinds = {kind: installed}
    if kind not in kinds:
        own = "; a model of your own is loaded by a function, --system mine.py:make" if kinds is MODELS else ""
        raise DeepJSCCError(f"{path}: not a checkpoint of a model known here ({kind!r}; {', '.join(kinds)}){own}")
    try:
        config = _config(metadata)
        state = dict(_restored(state))
        if installed is None:  # an installed model's constructor may need values, and its package is trusted
            check_fit(kinds[kind], config, state)
        model = kinds[kind](**config)
        model.load_state_dict(state)
    except (KeyError, ValueError, TypeError, RuntimeError, ArithmeticError, AttributeError, IndexError) as error:
        words = " ".join(str(error).split())  # torch may say much, with a trace of its own
        raise DeepJSCCError(f"{path}: its weights do not fit the {kind} model: {words[:300]}") from None
    except (RecursionError, MemoryError):
        raise DeepJSCCError(f"{path}: its config is not that of a {kind} model") from None
    return model.eval()


def _config(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The model's config, from the metadata of a file.

    Raises:
        ValueError: not a table.
    """
    config = json.loads(metadata["config"])
    if not isinstance(config, dict):
        raise ValueError(f"a config is a table, not {config!r:.40}")
    return config


def _rounded(name: str, value: Tensor, learned: Set[str]) -> Iterator[tuple[str, Tensor]]:
    """A tensor as it goes into 8 bits: what training learns as whole numbers and, beside them, the step of each row."""
    if name not in learned:
        yield name, value.half() if value.is_floating_point() else value
        return
    rows = tuple(range(1, value.dim()))
    steps = (value.abs().amax(rows, keepdim=True).clamp_min(1e-30) / LEVELS).float()
    yield name, (value / steps).round().to(torch.int8)
    yield name + STEPS, steps


def _restored(state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Tensors in single precision, of whatever they were stored as."""
    for name, value in state.items():
        if name + STEPS in state:
            steps = state[name + STEPS]
            if not value.dim() or steps.shape != (len(value), *(1,) * (value.dim() - 1)):
                raise ValueError(f"{name + STEPS} has the shape {tuple(steps.shape)} for one of {tuple(value.shape)}")
            yield name, value.float() * steps.float()
        elif not name.endswith(STEPS):
            yield name, value.float() if value.is_floating_point() else value


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
