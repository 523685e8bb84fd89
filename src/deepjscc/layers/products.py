"""Products with matrices that do not change, by the faster of the two libraries that torch has for them."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def linear(
    values: Float[Tensor, "*places inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None = None,
) -> Float[Tensor, "*places outputs"]:
    """``values @ weight.T + bias``, as :func:`torch.nn.functional.linear`.

    In single precision on a CPU torch asks MKL, which on processors not of its maker's leaves half of their width
    unused; oneDNN, which torch has for convolutions, is twice as fast there, and as fast elsewhere. Where a gradient or
    a graph is wanted, or another precision, torch's own way is taken.
    """
    plain = values.device.type == "cpu" and values.dtype == weight.dtype == torch.float32
    wanted = torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu")
    if not plain or wanted or not has_onednn():
        return F.linear(values, weight, bias)
    return _onednn(values, weight, bias)


@cache
def has_onednn() -> bool:
    """Return whether torch has oneDNN's product and it computes what :func:`torch.nn.functional.linear` does.

    The operator is torch's own and not public: another version may lack it or take other arguments.
    """
    values, weight, bias = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(4, 3), torch.arange(4.0)
    try:
        made = _onednn(values, weight, bias)
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return False
    return torch.equal(made, F.linear(values, weight, bias))


def _onednn(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(values, weight, bias, "none", [], "")


class Dense(nn.Linear):
    """A fully connected layer by :func:`linear`."""

    def forward(self, values: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        """See :func:`linear`."""
        return linear(values, self.weight, self.bias)
