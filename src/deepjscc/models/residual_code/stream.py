"""Which coefficient of the residual takes which real channel use, with what power, and what error that leaves.

The counterpart of :mod:`deepjscc.models.block_code.allocation` for one image whose classes both ends derive from the
base. No part must be found without a class map, so coefficients go strictly in falling order of variance; and to plan,
only the number of blocks in each class is needed. Powers are water-filled (Lee & Petersen 1976).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

ByClass = Float[Tensor, "classes values"]


@dataclass(frozen=True)
class StreamPlan:
    """Places and powers of the coefficients of one image.

    Attributes:
        start: place of a coefficient in the first block of a class; in the next block of the class it is one further.
        sent: number of blocks of a class that send a coefficient.
        scale: factor of a coefficient, sqrt(power / variance); 0 where it stays silent.
        reals: real channel uses.
    """

    start: Int[Tensor, "classes values"]
    sent: ByClass
    scale: ByClass
    reals: int


def plan_stream(counts: Int[Tensor, " classes"], variances: ByClass, reals: int, noise: float) -> StreamPlan:
    """Order the coefficients and water-fill their powers.

    Args:
        counts: blocks of each class.
        variances: of every coefficient in each class, more than 0.
        reals: real channel uses, of mean power 1.
        noise: variance of the noise of a real use, against that mean power.
    """
    flat = variances.flatten()
    order = flat.argsort(descending=True, stable=True)
    each = counts[order // variances.shape[1]]
    start = each.cumsum(0) - each
    sent = (reals - start).clamp_min(0).minimum(each).double()
    root = flat[order].double().sqrt()
    # The level that would leave nothing to the weakest of the first coefficients, for every number of them.
    level = (reals + noise * sent.cumsum(0)) / (sent * root).cumsum(0).clamp_min(1e-300)
    active = (level * root > noise) & (sent > 0)
    last = int(active.nonzero()[-1]) if active.any() else 0
    power = (level[last] * root - noise).clamp_min(0) * (sent > 0)
    inverse = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    shape = variances.shape
    scale = (power.sqrt() / root)[inverse].reshape(shape)
    return StreamPlan(start[inverse].reshape(shape), sent[inverse].reshape(shape), scale, reals)


def expected_squared_error(
    plan: StreamPlan, energy: ByClass, counts: Int[Tensor, " classes"], variances: ByClass, noise: float
) -> float:
    """Sum of the squared errors that the LMMSE receiver leaves in one image, in expectation over the noise.

    Args:
        plan: how the image is sent.
        energy: sum of the squared coefficients over the blocks of each class.
        counts: blocks of each class.
        variances: that the receiver assumes.
        noise: variance of the noise of a real use, against mean power 1.
    """
    square, energy = plan.scale.square(), energy.double()
    share = plan.sent / counts.clamp_min(1)[:, None]
    power = (share * square * energy).sum() / max(plan.reals, 1)
    weight = variances * plan.scale / (variances * square + noise).clamp_min(1e-30)
    left = (share * (1 - weight * plan.scale).square() + 1 - share) * energy
    return float((left + plan.sent * weight.square() * noise * power).sum())
