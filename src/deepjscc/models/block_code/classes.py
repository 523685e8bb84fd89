"""The classes of a block code: the variances of each class, and the choice of the class that a block belongs to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from deepjscc.layers.products import linear
from deepjscc.models.block_code.allocation import Variances
from deepjscc.models.block_code.tiling import Strip
from deepjscc.models.block_code.transform import Blocks

LIKELIHOOD_FLOOR = 2e-4  # variance below which it does not matter how weak a coefficient is


@dataclass(frozen=True)
class Tables:
    """The statistics of classes that a block code has learned.

    Attributes:
        variances: of every coefficient in each class; the last is the average class, of blocks without a map.
        neighbours: logarithm of how often each class follows its left and upper neighbours.
    """

    variances: Variances
    neighbours: Float[Tensor, "contexts kinds"]

    def classify(self, squared: Blocks) -> Int[Tensor, "batch blocks"]:
        """Find the class under which a block's squared coefficients are likeliest, as Gaussians of its variances.

        A class counts as likely as it is frequent among photographs.
        """
        variances = self.variances[:-1] + LIKELIHOOD_FLOOR
        frequency = self.neighbours.logsumexp(0)
        offset = 0.5 * variances.log().sum(1) - frequency
        return linear(squared, 0.5 * variances.reciprocal(), offset).argmin(2)

    def classify_all(
        self, read: Callable[[int, int], Blocks], strips: Iterable[Strip]
    ) -> tuple[Int[Tensor, "batch blocks"], Float[Tensor, "batch classes values"]]:
        """Find the likeliest class of every block of images, and the energy of the coefficients by class.

        Args:
            read: coefficients of some rows of blocks.
            strips: of the images.
        """
        kinds, classes, energies = len(self.variances) - 1, [], []
        # In full precision, as at the other end: what is counted here decides which symbols go.
        with torch.no_grad(), torch.autocast(self.variances.device.type, enabled=False):
            for strip in strips:
                squared = read(strip.first, strip.last).square()
                likeliest = self.classify(squared)
                energies.append(one_hot(likeliest, kinds).to(squared).transpose(1, 2) @ squared)
                classes.append(likeliest)
            energy = torch.zeros_like(energies[0])
            for one in energies:
                energy += one
        return torch.cat(classes, 1), energy
