"""Cross attention against eqs. 4 to 6 written out, its tokens and its windows."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from deepjscc.layers.cross_attention import CrossAttention, Softmax, Values, swap, token_index

WINDOW = (4, 6)


def stirred(**options: object) -> CrossAttention:
    """A module whose every weight says something."""
    torch.manual_seed(0)
    module = CrossAttention(8, WINDOW, **options)  # type: ignore[arg-type]
    for weight in module.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return module.eval()


def equations(module: CrossAttention, features: torch.Tensor, snr_db: torch.Tensor) -> torch.Tensor:
    """Eqs. 4 to 6 for one pair, image by image and place by place, one head."""
    _, width, rows, columns = features.shape
    fused = [
        torch.cat([module.tokens[token_index(snr_db)[i]][None], features[i].reshape(width, -1).T]) for i in range(2)
    ]
    recalibrated = []
    for own, other in ((0, 1), (1, 0)):
        f, g = module.norm(fused[own]), module.norm(fused[other])
        scores = module.query(f) @ module.key(g).T / math.sqrt(width)
        if module.offsets is not None:
            for i in range(rows * columns):
                for j in range(rows * columns):
                    down, right = i // columns - j // columns, i % columns - j % columns
                    scores[i + 1, j + 1] += module.offsets[0, down + WINDOW[0] - 1, right + WINDOW[1] - 1]
        weights = scores.softmax(1 if module.softmax == "keys" else 0)
        h1 = fused[own] + module.output(weights @ module.value(g if module.values == "other" else f))
        h2 = h1 + module.back(F.relu(module.hidden(module.mlp_norm(h1))))
        recalibrated.append(h2[1:].T.reshape(width, rows, columns))
    return torch.stack(recalibrated)


@torch.no_grad()
@pytest.mark.parametrize("position", [True, False])
@pytest.mark.parametrize("softmax", ["keys", "queries"])
@pytest.mark.parametrize("values", ["own", "other"])
def test_it_is_the_papers_equations(values: Values, softmax: Softmax, position: bool) -> None:
    module = stirred(values=values, softmax=softmax, position=position)
    features, snr_db = torch.randn(2, 8, *WINDOW), torch.tensor([1.0, 9.0])
    assert torch.allclose(module(features, snr_db), equations(module, features, snr_db), atol=1e-4)


@torch.no_grad()
def test_windows_each_attend_to_their_counterpart_alone() -> None:
    module = stirred()
    features, snr_db = torch.randn(2, 8, 8, 18), torch.tensor([1.0, 9.0])
    whole = module(features, snr_db)
    for top in (0, 4):
        for left in (0, 6, 12):
            part = features[:, :, top : top + 4, left : left + 6]
            assert torch.allclose(module(part, snr_db), whole[:, :, top : top + 4, left : left + 6], atol=1e-5)
    assert module(torch.randn(2, 8, 5, 7), snr_db).shape == (2, 8, 5, 7)  # 3 + 2 rows, 4 + 3 columns


@torch.no_grad()
@pytest.mark.parametrize("heads", [1, 4])
def test_swapping_the_images_swaps_what_comes_out_and_pairs_are_strangers(heads: int) -> None:
    module = stirred(heads=heads)
    features, snr_db = torch.randn(6, 8, *WINDOW), torch.tensor([1.0, 9.0, 3.0, 3.0, -3.0, 100.0])
    together = module(features, snr_db)
    assert torch.allclose(module(swap(features), swap(snr_db)), swap(together), atol=1e-5)
    assert torch.allclose(module(features[2:4], snr_db[2:4]), together[2:4], atol=1e-5)
    assert not torch.allclose(module(features[:2], snr_db[2:4]), together[:2], atol=1e-2)  # the SNR matters


@torch.no_grad()
def test_at_first_each_place_takes_over_a_little_of_what_is_most_like_it() -> None:
    module, features = CrossAttention(64, WINDOW, position=False), torch.randn(1, 64, *WINDOW)
    moved = features.roll((1, 2), (2, 3))
    taken = module(torch.cat([features, moved]), torch.zeros(2))[0] - features[0]
    assert torch.allclose(taken, 0.1 * module.norm(features.movedim(1, -1)).movedim(-1, 1)[0], atol=5e-3)


@settings(deadline=None)  # a busy machine is no bug
@given(st.floats(-50, 90))
def test_the_nearest_token(snr_db: float) -> None:
    index = int(token_index(torch.tensor([snr_db])))
    assert abs(index - 3 - snr_db) == pytest.approx(min(abs(token - 3 - snr_db) for token in range(18)), abs=1e-5)


def test_the_noiseless_token_is_its_own() -> None:
    assert token_index(torch.tensor([-100.0, -3.0, 14.0, 30.0, 100.0, torch.inf])).tolist() == [0, 0, 17, 17, 18, 18]
