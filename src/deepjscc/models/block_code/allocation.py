"""The place of every coefficient in the stream, and its power: both follow from the class map.

A block's class gives every coefficient a variance. The stream begins with the few strongest coefficients of all
blocks, in raster order, where a receiver finds them without the map. Then it takes coefficients in falling order of
variance, over all blocks of the image, until it is full: so any prefix of it is what a smaller bandwidth ratio would
have sent.

Powers are water-filled over the coefficients sent: with variances v and noise N0 the powers p = max(0, c sqrt(v) - N0),
c set by the mean power 1, minimise the mean squared error of the LMMSE receiver (Lee & Petersen 1976, optimal linear
coding for vector channels). Coefficients with p = 0 stay silent.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

Variances = Float[Tensor, "classes values"]
ByClass = Float[Tensor, "batch classes values"]

BASE = 5  # coefficients that go first: mean colours and slopes, which every ratio and class sends


@dataclass(frozen=True)
class Allocation:
    """Places and powers of all coefficients, for a batch of images of one size.

    Attributes:
        classes: of every block, in raster order.
        rank: of every block among those of its class, in raster order.
        start: place in the stream of a coefficient of the first block of a class; of the next block one further. Not
            of the first :data:`BASE` coefficients, whose place does not depend on classes.
        count: blocks of a class that send a coefficient.
        scale: sqrt(p / v), by which a coefficient is multiplied; 0 where it stays silent or is not sent.
        reals: length of the stream of each image.
    """

    classes: Int[Tensor, "batch blocks"]
    rank: Int[Tensor, "batch blocks"]
    start: Int[Tensor, "batch classes values"]
    count: Float[Tensor, "batch classes values"]
    scale: ByClass
    reals: Int[Tensor, " batch"]

    def places(self, first: int, last: int) -> Int[Tensor, "batch run values"]:
        """Place in the stream of each coefficient of blocks ``first`` to ``last``; at or past ``reals``: not sent."""
        by_class = self.of_blocks(self.start, first, last) + self.rank[:, first:last, None]
        blocks = torch.arange(first, last, device=by_class.device)[:, None]
        coefficients = torch.arange(by_class.shape[2], device=by_class.device)
        return torch.where(coefficients < BASE, coefficients * self.classes.shape[1] + blocks, by_class)

    def of_blocks(self, by_class: Tensor, first: int, last: int) -> Tensor:
        """``[batch, classes, ...]`` looked up for blocks ``first`` to ``last``: ``[batch, run, ...]``."""
        images = torch.arange(self.classes.shape[0], device=by_class.device)[:, None]
        return by_class[images, self.classes[:, first:last]]


def allocate(
    classes: Int[Tensor, "batch blocks"],
    variances: Variances,
    reals: Int[Tensor, " batch"],
    noise: Float[Tensor, " batch"],
) -> Allocation:
    """Give every coefficient its place in the stream and, by water-filling, its power.

    Args:
        classes: of every block, indices into ``variances``.
        variances: of every coefficient in each class, more than 0.
        reals: that each image may send, of mean power 1.
        noise: N0 that the powers are for, against that mean power.
    """
    kinds = len(variances)
    members = torch.nn.functional.one_hot(classes, kinds)
    start, count = _deal(variances, members, reals)
    order = variances.flatten().argsort(descending=True, stable=True)
    root, sent = variances.flatten()[order].double().sqrt(), count.flatten(1)[:, order]
    # Active are the strongest coefficients, as many as leave the weakest of them some power.
    weight = (sent * root).cumsum(1)
    level = (sent.sum(1, keepdim=True) + noise[:, None] * sent.cumsum(1)) / weight.clamp_min(1e-300)
    active = ((level * root > noise[:, None]) & (sent > 0)).sum(1, keepdim=True)
    power = (level.gather(1, _last_with(sent, active)) * root - noise[:, None]).clamp_min(0) * (sent > 0)
    scale = (power.sqrt() / root).float()[:, _inverse(order)].reshape(count.shape)
    rank = (members.cumsum(1) - 1).gather(2, classes[..., None])[..., 0]
    return Allocation(classes, rank, start, count, scale, reals)


def _deal(
    variances: Variances, members: Int[Tensor, "batch blocks classes"], reals: Int[Tensor, " batch"]
) -> tuple[Int[Tensor, "batch classes values"], Float[Tensor, "batch classes values"]]:
    """Return where each class's coefficients start in the stream, and how many blocks send them."""
    kinds, values = variances.shape
    blocks, of_class = members.shape[1], members.sum(1)
    after_base = (torch.arange(values, device=variances.device) >= BASE).expand(kinds, -1).flatten()
    order = variances.flatten().where(after_base, torch.inf).argsort(descending=True, stable=True)
    each = of_class[:, order // values] * after_base[order]
    start = (min(BASE, values) * blocks + each.cumsum(1) - each)[:, _inverse(order)].unflatten(1, (kinds, values))
    later = (reals[:, None, None] - start).clamp_min(0).minimum(of_class[..., None]).double()
    index = torch.arange(min(BASE, values), device=variances.device)
    reached = (reals[:, None] - index * blocks).clamp(0, blocks)  # blocks in raster order that send it
    so_far = torch.nn.functional.pad(members.cumsum(1), (0, 0, 1, 0))
    base = so_far.gather(1, reached[..., None].expand(-1, -1, kinds)).transpose(1, 2)
    return start, torch.cat([base.double(), later[..., len(index) :]], 2)


def _inverse(order: Int[Tensor, " entries"]) -> Int[Tensor, " entries"]:
    """Invert a permutation: return the place that each entry went to."""
    # zeros_like, not empty_like: exported graphs have no operator for uninitialised memory.
    return torch.zeros_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))


def _last_with(count: Tensor, active: Tensor) -> Int[Tensor, "batch 1"]:
    """Index of the ``active``-th of those that are sent at all (some have no blocks in this image)."""
    seen = (count > 0).cumsum(1)
    return (seen < active.clamp_min(1)).sum(1, keepdim=True).clamp_max(count.shape[1] - 1)


def expected_error(
    allocation: Allocation, energy: ByClass, variances: Variances, noise: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Compute the squared error that the LMMSE receiver leaves in each image, in expectation over the noise alone.

    Args:
        allocation: how the images are sent.
        energy: sum of the squared coefficients over the image's blocks of each class.
        variances: of every coefficient in each class.
        noise: N0.
    """
    sent, silent = expected_errors(allocation, energy, variances, noise)
    return (sent + silent).sum((1, 2))


def expected_errors(
    allocation: Allocation, energy: ByClass, variances: Variances, noise: Float[Tensor, " batch"]
) -> tuple[ByClass, ByClass]:
    """:func:`expected_error` by class and coefficient: of the coefficients that are sent, and of those that are not."""
    scale, noise = allocation.scale.double(), noise.double()[:, None, None]
    members = torch.nn.functional.one_hot(allocation.classes, len(variances)).sum(1)[..., None]
    count = allocation.count
    share = count / members.clamp_min(1)
    received = variances * scale.square() + noise
    weight = variances * scale / received.clamp_min(1e-30)
    power = (share * scale.square() * energy).sum((1, 2)) / allocation.reals.clamp_min(1)
    sent = share * (scale > 0)
    left = sent * (1 - weight * scale).square() * energy + count * weight.square() * noise * power[:, None, None]
    return left, (1 - sent) * energy


def symbol_ratio(allocation: Allocation, values: int) -> Float[Tensor, " batch"]:
    """Complex symbols for each of the values of the padded image, side information aside.

    Args:
        allocation: how the batch is sent.
        values: of a block.
    """
    return allocation.reals / (2 * allocation.classes.shape[1] * values)
