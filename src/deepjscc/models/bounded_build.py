"""Check that a config from a file makes a model of the size of that file's own tensors, before any memory is taken."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

CALLS = 2_000  # of torch, that a small model may take to be built,
CALLS_PER_TENSOR = 100  # and that every tensor of the file allows besides
VALUES = 1 << 26  # in tensors that are computed and not stored, as tables are
VALUES_PER_VALUE = 4


class _CallLimit(TorchFunctionMode):
    """Count the calls of torch in a block, and end it after too many."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.left = limit

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.left -= 1
        if self.left < 0:
            raise ValueError("the config makes a model of many more layers than the file has tensors")
        if getattr(func, "__module__", None) == "torch.nn.init":  # there is no memory to fill, and torch would be slow
            return args[0] if args else kwargs["tensor"]
        if func is torch.eye:  # without memory only its shape counts, and torch would import SymPy to find it, 2 s
            return torch.empty(args[0], args[-1])
        return func(*args, **(kwargs or {}))


def check_fit(kind: type[nn.Module], config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Build a model without memory for its weights, and compare it with the tensors it is to be filled with.

    Args:
        kind: class of the model.
        config: keywords of its constructor.
        state: tensors by name.

    Raises:
        ValueError: many more layers or values than the file has.
        RuntimeError: tensors of other names or shapes; torch names them.
        TypeError: keywords the model does not have.
    """
    with torch.device("meta"), _CallLimit(CALLS + CALLS_PER_TENSOR * len(state)):
        model = kind(**config)
        held = sum(value.numel() for value in state.values())
        needed = sum(value.numel() for value in (*model.parameters(), *model.buffers()))
        if needed > VALUES + VALUES_PER_VALUE * held:
            raise ValueError(f"the config makes a model of {needed} values, the file has {held}")
        model.load_state_dict({name: torch.empty(value.shape, dtype=value.dtype) for name, value in state.items()})
