"""Attention along the rows of two level cameras: each place of one view looks for itself in the same row of the other.

Cameras that stand level, pictures rectified, see every point in the same row (the parallax attention of L. Wang et al.,
"Learning parallax attention for stereo image super-resolution", 2019). What it is to find is told it at the start:
places are compared by random projections of their surroundings, whose cosine is about the normalised correlation that
block matching maximises.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.layers.residual import zeroed

KERNEL = 5  # side of the surroundings that places are compared by
SHARPNESS = 20.0  # of the comparison at first: what a cosine is multiplied by
REACH = 64  # places to either side that have a bias of their own
FARTHER = 0.1  # by which each place farther away counts less, at first

PairMaps = Float[Tensor, "images _ rows columns"]  # images 2i and 2i + 1 are a pair, the left camera's first


class ParallaxAttention(nn.Module):
    """For each place of a view what the other view has where it is most likely the same.

    Args:
        seen: features of a place that surroundings are made of.
        learned: features beside them of which training may make a better comparison.
        width: length of what is compared.
        window: columns that are searched together; wider maps are cut into windows of nearly equal width, each with
            its own counterpart alone.
    """

    def __init__(self, seen: int, learned: int, width: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.surroundings = nn.Conv2d(seen, width, KERNEL, padding=KERNEL // 2, bias=False)
        self.learned = zeroed(nn.Conv2d(learned, width, 3, padding=1))
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())
        distance = torch.arange(-REACH, REACH + 1).abs()
        # One row a view: what the left one shows stands farther left in the right one, and the other way about.
        self.offsets = nn.Parameter((-FARTHER * distance).repeat(2, 1))
        with torch.no_grad():
            projections = nn.init.orthogonal_(self.surroundings.weight.flatten(1))
            projections = projections.unflatten(1, (seen, -1))
            level = projections - projections.mean(2, keepdim=True)
            self.surroundings.weight.copy_(level.view_as(self.surroundings.weight))

    def forward(self, seen: PairMaps, learned: PairMaps, values: PairMaps) -> PairMaps:
        """The other view's ``values``, moved to where this view's places are."""
        places = F.normalize(self.surroundings(seen) + self.learned(learned), dim=1)
        count = -(-places.shape[3] // self.window)
        windows = zip(places.tensor_split(count, 3), values.tensor_split(count, 3), strict=True)
        return torch.cat([self._searched(own, carried) for own, carried in windows], 3)

    def _searched(self, places: PairMaps, values: PairMaps) -> PairMaps:
        """Search one whole window: every row of a pair is a batch of its own, its views are the heads."""
        rows = places.shape[2]
        own, carried = (
            each.unflatten(0, (-1, 2)).permute(0, 3, 1, 4, 2).flatten(0, 1) for each in (places, values)
        )  # [pairs x rows, views, columns, features]
        sharp = self.sharpness.exp().to(own)
        bias = self._bias(places.shape[3]).to(own)[None]
        found = F.scaled_dot_product_attention(own * sharp, own.flip(1), carried.flip(1), attn_mask=bias, scale=1.0)
        return found.unflatten(0, (-1, rows)).permute(0, 2, 4, 1, 3).flatten(0, 1)

    def _bias(self, columns: int) -> Float[Tensor, "views queries keys"]:
        """Return the bias of every column for every other of its row; beyond the reach it stays the same."""
        column = torch.arange(columns, device=self.offsets.device)
        offset = (column[None] - column[:, None]).clamp(-REACH, REACH) + REACH
        return self.offsets[:, offset]
