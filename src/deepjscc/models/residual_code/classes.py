"""Classes of blocks: a decision tree over integer features of the base, so that no class map is sent."""

import torch
from jaxtyping import Int
from torch import Tensor, nn


class ClassTree(nn.Module):
    """A binary tree grown leaf by leaf; its leaves are the classes.

    Split ``i`` divides leaf ``leaf[i]``: blocks whose ``feature[i]`` exceeds ``threshold[i]`` go to leaf ``i + 1``. So
    the first splits alone make a coarser tree, whose leaves are groups of the final ones.

    Args:
        classes: number of leaves.
    """

    leaf: Int[Tensor, " splits"]
    feature: Int[Tensor, " splits"]
    threshold: Int[Tensor, " splits"]

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        for name in ("leaf", "feature"):
            self.register_buffer(name, torch.zeros(classes - 1, dtype=torch.int32))
        # A split that was never made moves no block.
        self.register_buffer("threshold", torch.full((classes - 1,), torch.iinfo(torch.int32).max, dtype=torch.int32))

    def forward(self, features: Int[Tensor, "blocks features"]) -> Int[Tensor, " blocks"]:
        """Class of every block."""
        classes = torch.zeros(len(features), dtype=torch.int32, device=features.device)
        for index, (leaf, feature, threshold) in enumerate(self._splits()):
            moved = (classes == leaf) & (features[:, feature] > threshold)
            classes[moved] = index + 1
        return classes.long()

    def groups(self, number: int) -> Int[Tensor, " classes"]:
        """For every class the leaf it grew from in the tree of the first ``number`` leaves."""
        group = list(range(min(number, self.classes)))
        for leaf, _, _ in self._splits()[len(group) - 1 :]:
            group.append(group[leaf])
        return torch.tensor(group, device=self.leaf.device)

    def _splits(self) -> list[tuple[int, int, int]]:
        return list(zip(self.leaf.tolist(), self.feature.tolist(), self.threshold.tolist(), strict=True))
