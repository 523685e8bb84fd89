"""Attention along the rows: what moved sideways is found, and nothing beyond the window or the row is looked at."""

import torch
from torch.nn import functional as F

from deepjscc.layers.parallax_attention import ParallaxAttention


def attention(window: int = 64) -> ParallaxAttention:
    torch.manual_seed(0)
    return ParallaxAttention(3, 4, 24, window).eval()


def texture(rows: int, columns: int) -> torch.Tensor:
    """Something that blurs of noise are: no two places alike, neighbours much."""
    noise = torch.randn(1, 3, rows + 4, columns + 4, generator=torch.Generator().manual_seed(1))
    return F.avg_pool2d(noise, 5, 1)


@torch.no_grad()
def test_untrained_it_finds_what_moved_along_the_row() -> None:
    scene = texture(16, 72)
    left, right = scene[..., 6:70], scene[..., 9:]
    pair = torch.cat([left[..., :61], right[..., :61]])
    moved = attention()(pair, torch.zeros(2, 4, 16, 61), pair)
    inner = slice(8, 50)
    still = (pair.flip(0) - pair)[..., inner].square().mean()
    assert (moved - pair)[..., inner].square().mean() < 0.1 * still


@torch.no_grad()
def test_rows_and_pairs_do_not_hear_of_one_another() -> None:
    block, maps = attention(), torch.randn(4, 3, 12, 20, generator=torch.Generator().manual_seed(2))
    learned, values = torch.zeros(4, 4, 12, 20), torch.randn(4, 5, 12, 20, generator=torch.Generator().manual_seed(3))
    moved = block(maps, learned, values)
    assert moved.shape == values.shape
    changed = values.clone()
    changed[1, :, 3] += 1  # what the right view of the first pair has in one row
    differs = (block(maps, learned, changed) - moved).abs().amax((1, 3)) > 1e-6
    assert differs.nonzero().tolist() == [[0, 3]]


@torch.no_grad()
def test_swapping_views_and_directions_swaps_what_comes() -> None:
    block, maps = attention(), torch.randn(2, 3, 6, 10, generator=torch.Generator().manual_seed(2))
    learned = torch.zeros(2, 4, 6, 10)
    block.offsets.add_(torch.randn(block.offsets.shape, generator=torch.Generator().manual_seed(4)))
    once = block(maps, learned, maps)
    block.offsets.copy_(block.offsets.flip(0))
    assert torch.allclose(block(maps.flip(0), learned, maps.flip(0)).flip(0), once, atol=1e-5)


@torch.no_grad()
def test_one_window_over_all_is_the_whole_and_smaller_ones_are_searched_alone() -> None:
    maps, learned = torch.randn(2, 3, 4, 24, generator=torch.Generator().manual_seed(2)), torch.zeros(2, 4, 4, 24)
    whole, wider = attention(24)(maps, learned, maps), attention(100)(maps, learned, maps)
    assert torch.allclose(whole, wider, atol=1e-6)
    halves = attention(12)
    changed = maps.clone()
    changed[1, :, :, 20] += 1
    differs = (halves(maps, learned, changed) - halves(maps, learned, maps)).abs().amax((1, 2)) > 1e-6
    assert differs[0, 12:].all()
    assert not differs[0, :12].any()
