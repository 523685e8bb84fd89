"""A residual block conditioned on the link: normalised, convolved twice, scaled and shifted in between."""

from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
Features = Float[Tensor, "batch width rows columns"]


class ConditionedResidual(nn.Module):
    """x + conv(silu(conv(norm(x)) · (1 + a) + b)), a and b linear in a condition; at first the identity.

    Args:
        width: number of features.
        condition: length of the condition.
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = zeroed(nn.Conv2d(width, width, 3, padding=1))
        self.modulation = zeroed(nn.Linear(condition, 2 * width))

    def forward(self, features: Features, condition: Float[Tensor, "batch condition"]) -> Features:
        """Refine features at one resolution."""
        factor, offset = self.modulation(condition)[..., None, None].chunk(2, 1)
        return features + self.second(F.silu(self.first(normalised(features)) * (1 + factor) + offset))


def zeroed(layer: Layer) -> Layer:
    """The layer with weights and bias 0: a branch that begins by saying nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def normalised(features: Features) -> Features:
    """Divide every position's features by their root mean square; positions do not influence one another."""
    return F.rms_norm(features.movedim(1, -1), features.shape[1:2], eps=1e-4).movedim(-1, 1)
