"""Pairs of layers: shifted as their depths say, the same for the same draws, and small photographs refused."""

import pytest
import torch

from deepjscc.data.layered_pairs import FARTHEST, NEAREST, layered_pair
from deepjscc.errors import UsageError

WINDOW = (32, 64)


def photograph(value: int, side: int = 96) -> torch.Tensor:
    """Columns of different brightness, so that a shift shows, and one colour channel that says whose they are."""
    image = torch.zeros(3, side, side, dtype=torch.uint8)
    image[0] = torch.arange(side)
    image[1] = value
    return image


def pair(seed: int, count: int = 4) -> torch.Tensor:
    return layered_pair([photograph(i) for i in range(count)], WINDOW, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(12))
def test_every_layer_is_shifted_by_one_disparity_within_the_limits(seed: int) -> None:
    left, right = pair(seed).int()
    for layer in range(4):
        shifts = set()
        for column in range(64):
            for row in range(0, 32, 8):
                if right[1, row, column] == layer:
                    # The brightness of a photograph's columns is their number: its difference to that of a place of
                    # the same layer in the left view is their distance in the scene.
                    same = (left[1, row] == layer).nonzero().flatten()
                    shifts |= {int(left[0, row, x]) - int(x) for x in same}
                    shifts |= {int(right[0, row, column]) - column}
        assert len(shifts) <= 2  # offset of the left view and that of the right one
        if len(shifts) == 2:
            limit = FARTHEST if layer == 0 else NEAREST
            assert max(shifts) - min(shifts) <= round(limit * 64)


def test_the_same_draws_make_the_same_pair_and_others_another() -> None:
    assert torch.equal(pair(3), pair(3))
    assert not torch.equal(pair(3), pair(4))
    assert pair(0).shape == (2, 3, *WINDOW)


def test_the_background_alone_makes_a_pair_too() -> None:
    left, right = pair(5, count=1).int()
    assert left[1].max() == right[1].max() == 0
    assert len((right[0] - left[0]).unique()) == 1


def test_photographs_smaller_than_the_window_are_refused() -> None:
    with pytest.raises(UsageError, match="too small to make pairs of"):
        layered_pair([photograph(0, 40)], WINDOW, torch.Generator())
