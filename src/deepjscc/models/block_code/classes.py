"""The classes of a block code: the variances of each class, and the choice of the class that a block belongs to."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from deepjscc.layers.products import linear
from deepjscc.models.block_code.allocation import Variances
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
