"""Checkpoints: one safetensors file holds the weights, and in its metadata the model's name and config. No pickle."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import nn

from deepjscc.errors import DeepJSCCError
from deepjscc.images import write_atomically
from deepjscc.models import MODELS
from deepjscc.models.base import JSCC
from deepjscc.models.diffusion import Diffusion


@runtime_checkable
class Stored(Protocol):
    """What has weights to store, a name for what it is and a config to build it by."""

    kind: ClassVar[str]
    config: dict[str, Any]

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The weights."""


def save_checkpoint(model: Stored, path: Path | str, dtype: torch.dtype | None = None) -> None:
    """Write a model's weights and config, beside and then renamed.

    Args:
        model: what to store.
        path: a ``.safetensors`` file.
        dtype: store floating-point weights as this (half precision halves the file); None keeps them.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if dtype is not None:
        state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    metadata = {"model": model.kind, "config": json.dumps(model.config)}
    write_atomically(path, lambda file: file.write(serialise(state, metadata)))


def load_checkpoint(path: Path | str) -> JSCC:
    """Build the model a checkpoint names and fill in its weights, in float32, in evaluation mode.

    Raises:
        DeepJSCCError: missing, not a checkpoint of ours, or weights that do not fit the model.
    """
    return _load(path, MODELS)


def load_stage(path: Path | str) -> Diffusion:
    """:func:`load_checkpoint` for a stage that refines what a link delivers."""
    return _load(path, {Diffusion.kind: Diffusion})


Network = TypeVar("Network", bound=nn.Module)


def _load(path: Path | str, kinds: Mapping[str, type[Network]]) -> Network:
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise DeepJSCCError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise DeepJSCCError(f"{path}: not a safetensors checkpoint ({error})") from None
    kind = metadata.get("model", "none")
    if kind not in kinds:
        raise DeepJSCCError(f"{path}: not a checkpoint of a model known here ({kind!r}; {', '.join(kinds)})")
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    try:
        model = kinds[kind](**json.loads(metadata["config"]))
        model.load_state_dict(state)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DeepJSCCError(f"{path}: its weights do not fit the {kind} model: {error}") from None
    return model.eval()


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
