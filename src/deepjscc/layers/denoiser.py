"""A small learned denoiser, the proximal operator of an unrolled iteration; at first it changes nothing."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.layers.residual import ConditionedResidual, zeroed

HIDDEN = 64


class Denoiser(nn.Module):
    """A convolution, a residual block told of the link, a convolution that begins at zero; 3x3 each.

    Args:
        inputs: features it looks at.
        outputs: features it changes.
        width: features inside; 32 make about 50,000 parameters with 48 features in and out.
        condition: length of the condition.
    """

    def __init__(self, inputs: int, outputs: int, width: int, condition: int) -> None:
        super().__init__()
        self.condition = nn.Sequential(nn.Linear(condition, HIDDEN), nn.SiLU())
        self.enter = nn.Conv2d(inputs, width, 3, padding=1)
        self.refine = ConditionedResidual(width, HIDDEN)
        self.leave = zeroed(nn.Conv2d(width, outputs, 3, padding=1))

    def forward(
        self, features: Float[Tensor, "batch inputs rows columns"], condition: Float[Tensor, "batch condition"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        """Return the correction that is to be added to the estimate."""
        return self.leave(F.silu(self.refine(self.enter(features), self.condition(condition))))
