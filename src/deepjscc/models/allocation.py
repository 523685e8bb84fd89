"""Which coefficient of which block goes where in the stream, and how strong: all of it follows from the class map.

A block's class gives every coefficient a variance. The stream takes coefficients in falling order of variance, over
all blocks of the image, until it is full: so any prefix of it is what a smaller bandwidth ratio would have sent. Powers
are water-filled over the coefficients sent: with variances v and noise N0 the powers p = max(0, c sqrt(v) - N0), c set
by the mean power 1, minimise the mean squared error of the LMMSE receiver (Lee & Petersen 1976, optimal linear coding
for vector channels). Coefficients with p = 0 stay silent.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

Variances = Float[Tensor, "classes values"]
ByClass = Float[Tensor, "batch classes values"]


@dataclass(frozen=True)
class Allocation:
    """Where and how strong, for a batch of images of one size.

    Attributes:
        classes: of every block, in raster order.
        rank: of every block among those of its class, in raster order.
        start: place in the stream of a coefficient of the first block of a class; of the next block one further.
        scale: sqrt(p / v), by which a coefficient is multiplied; 0 where it stays silent or is not sent.
        reals: length of the stream of each image.
    """

    classes: Int[Tensor, "batch blocks"]
    rank: Int[Tensor, "batch blocks"]
    start: Int[Tensor, "batch classes values"]
    scale: ByClass
    reals: Int[Tensor, " batch"]

    def places(self, first: int, last: int) -> Int[Tensor, "batch run values"]:
        """Place in the stream of each coefficient of blocks ``first`` to ``last``; at or past ``reals``: not sent."""
        return self.of_blocks(self.start, first, last) + self.rank[:, first:last, None]

    def of_blocks(self, by_class: Tensor, first: int, last: int) -> Tensor:
        """``[batch, classes, ...]`` looked up for blocks ``first`` to ``last``: ``[batch, run, ...]``."""
        images = torch.arange(len(self.classes), device=by_class.device)[:, None]
        return by_class[images, self.classes[:, first:last]]


def allocate(
    classes: Int[Tensor, "batch blocks"],
    variances: Variances,
    reals: Int[Tensor, " batch"],
    noise: Float[Tensor, " batch"],
) -> Allocation:
    """Deal the stream out and fill the water.

    Args:
        classes: of every block, indices into ``variances``.
        variances: of every coefficient in each class, more than 0.
        reals: that each image may send, of mean power 1.
        noise: N0 that the powers are for, against that mean power.
    """
    kinds, values = variances.shape
    order = variances.flatten().argsort(descending=True, stable=True)
    root = variances.flatten()[order].double().sqrt()
    members = torch.nn.functional.one_hot(classes, kinds)
    blocks = members.sum(1)[:, order // values]  # that have each coefficient, in falling order of variance
    start = blocks.cumsum(1) - blocks
    count = (reals[:, None] - start).clamp_min(0).minimum(blocks).double()
    # Active are the strongest coefficients, as many as leave the weakest of them some power.
    weight = (count * root).cumsum(1)
    level = (count.sum(1, keepdim=True) + noise[:, None] * count.cumsum(1)) / weight.clamp_min(1e-300)
    active = ((level * root > noise[:, None]) & (count > 0)).sum(1, keepdim=True)
    filled = level.gather(1, _last_with(count, active))
    power = (filled * root - noise[:, None]).clamp_min(0) * (count > 0)
    scale = (power.sqrt() / root).float()

    back = order.argsort()
    rank = (members.cumsum(1) - 1).gather(2, classes[..., None])[..., 0]
    shape = (len(classes), kinds, values)
    return Allocation(classes, rank, start[:, back].reshape(shape), scale[:, back].reshape(shape), reals)


def _last_with(count: Tensor, active: Tensor) -> Int[Tensor, "batch 1"]:
    """Index of the ``active``-th of those that are sent at all (some have no blocks in this image)."""
    seen = (count > 0).cumsum(1)
    return (seen < active.clamp_min(1)).sum(1, keepdim=True).clamp_max(count.shape[1] - 1)


def expected_error(
    allocation: Allocation, energy: ByClass, variances: Variances, noise: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Squared error that the LMMSE receiver leaves in each image, in expectation over the noise alone.

    Args:
        allocation: how the images are sent.
        energy: sum of the squared coefficients over the image's blocks of each class.
        variances: of every coefficient in each class.
        noise: N0.
    """
    scale, noise = allocation.scale.double(), noise.double()[:, None, None]
    members = torch.nn.functional.one_hot(allocation.classes, len(variances)).sum(1)[..., None]
    count = (allocation.reals[:, None, None] - allocation.start).clamp_min(0).minimum(members)
    share = count / members.clamp_min(1)
    received = variances * scale.square() + noise
    weight = variances * scale / received.clamp_min(1e-30)
    power = (share * scale.square() * energy).sum((1, 2)) / allocation.reals.clamp_min(1)
    left = (share * (1 - weight * scale).square() + 1 - share) * energy + count * weight.square() * noise * power[
        :, None, None
    ]
    return left.sum((1, 2))
