"""The state of a run on disk: all it takes to go on as if never stopped. Safetensors, atomically, the last three."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import write_atomically
from deepjscc.training.recipe import Recipe

KEPT = 3


@dataclass(frozen=True)
class Progressed:
    """The progress of a run when its state was written.

    Attributes:
        step: steps done.
        seconds: time spent.
        minutes: after which it was to end; None: after the recipe's epochs.
    """

    step: int
    seconds: float
    minutes: float | None


def open_folder(folder: Path, resume: bool) -> None:
    """Make a run's folder.

    Raises:
        UsageError: there is a run in it already, and it is not to be resumed.
        DeepJSCCError: it cannot be made.
    """
    if not resume and next(folder.glob("state-*.safetensors"), None) is not None:
        raise UsageError(f"{folder}: holds a run already; go on with --resume, or remove the folder")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{folder}: cannot be made: {error.strerror}") from None


def save_state(
    folder: Path,
    weights: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    spent: Progressed,
    recipe: Recipe,
) -> None:
    """Write ``state-STEP.safetensors`` and remove all but the newest three.

    Args:
        folder: of the run.
        weights: the module being trained.
        average: its moving average.
        optimiser: with its moments.
        spent: how far the run is.
        recipe: what is being trained; only the same may go on.
    """
    tensors = {f"weights.{name}": value for name, value in weights.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"moments.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    metadata = {"step": str(spent.step), "seconds": repr(spent.seconds), "recipe": describe(recipe)}
    metadata |= {} if spent.minutes is None else {"minutes": repr(spent.minutes)}
    packed = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_atomically(
        folder / f"state-{spent.step:09d}.safetensors", lambda file: file.write(serialise(packed, metadata))
    )
    for old in sorted(folder.glob("state-*.safetensors"))[:-KEPT]:
        old.unlink()


def load_state(
    folder: Path, weights: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, recipe: Recipe
) -> Progressed:
    """Fill in the newest state of a run that can be read, and return how far it was.

    Raises:
        DeepJSCCError: no state there, none that can be read, or one of another recipe.
    """
    for path in sorted(folder.glob("state-*.safetensors"), reverse=True):
        try:
            tensors, metadata = _read(path)
        except (SafetensorError, OSError):
            continue  # cut short by a dying machine: the one before it is whole
        if metadata["recipe"] != describe(recipe):
            raise DeepJSCCError(f"{path}: the state of another recipe; train into another file, or without --resume")
        _fill(tensors, weights, average, optimiser)
        minutes = float(metadata["minutes"]) if "minutes" in metadata else None
        return Progressed(int(metadata["step"]), float(metadata["seconds"]), minutes)
    raise DeepJSCCError(f"{folder}: no state to resume from; start without --resume")


def begin_from(path: Path, weights: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Fill in the state of an earlier sitting, whatever its recipe; steps and schedule begin anew.

    Raises:
        DeepJSCCError: it cannot be read, or is of a model of another form.
    """
    try:
        tensors, _ = _read(path)
        _fill(tensors, weights, average, optimiser)
    except (SafetensorError, OSError) as error:
        raise DeepJSCCError(f"{path}: not a state of a training ({error})") from None
    except (RuntimeError, ValueError, KeyError) as error:
        raise DeepJSCCError(f"{path}: the state of another model: {str(error).splitlines()[0]}") from None


def keep_for_later(folder: Path, output: Path) -> None:
    """Write a run's newest state at two thirds of its size: moments in bfloat16, the average in half precision.

    Raises:
        DeepJSCCError: there is none, or it cannot be read.
    """
    newest = max(folder.glob("state-*.safetensors"), default=None)
    if newest is None:
        raise DeepJSCCError(f"{folder}: holds no state of a training")
    tensors, metadata = _read(newest)
    smaller = {"moments": torch.bfloat16, "average": torch.float16}
    packed = {
        name: value.to(smaller.get(name.split(".")[0], value.dtype)) if value.dim() else value
        for name, value in tensors.items()
    }
    write_atomically(output, lambda file: file.write(serialise(packed, metadata)))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(str(path), framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118 - not a dict


def _fill(tensors: dict[str, Tensor], weights: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    weights.load_state_dict(_part(tensors, "weights."))
    average.load_state_dict(_part(tensors, "average."))
    optimiser.load_state_dict(optimiser.state_dict() | {"state": _moments(tensors)})


def describe(recipe: Recipe) -> str:
    """A recipe as text, to tell one from another."""
    return json.dumps(asdict(recipe), sort_keys=True)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "moments.").items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    return state
