"""Networks around the linear code outside their trained range: they fade out, and `linear` is what is left."""

from functools import cache

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.metrics import psnr
from deepjscc.models import BlockCode
from deepjscc.models.block_code.side_info import BlockPlan, Budget, plan_to_send
from deepjscc.systems import Link
from deepjscc.zoo import cards, load

BLOCK_CODES = ["universal-s", "adaptive-linear", "unrolled-linear"]
ROADS = ["distributed-linear-alone", "distributed-linear-joint"]  # know road scenes alone, and say so
SNR_DB = (-10.0, -3.0, 5.0, 14.0, 17.0, 22.0, 28.0, 40.0, 60.0)
SMALL_DB, DRAWS = (5.0, 22.0), 4  # of the noise, where pictures are small
load = cache(load)


@pytest.fixture(scope="module")
def crops(coffee: torch.Tensor) -> torch.Tensor:
    """Two crops of a photograph."""
    return torch.stack([coffee[:, 60:156, 60:156], coffee[:, 220:316, 330:426]]).float() / 255


@torch.no_grad()
def _psnr(name: str, images: torch.Tensor, ratio: float, snr_db: tuple[float, ...]) -> torch.Tensor:
    """PSNR of each picture, by SNR."""
    link = Link(load(name), AWGN(), bandwidth_ratio=ratio)
    each, believed = images.repeat_interleave(len(snr_db), 0), torch.tensor(snr_db).repeat(len(images))
    sent = link.transmit(each, believed, generator=torch.Generator().manual_seed(1))
    return psnr(each, sent.images).view(-1, len(snr_db))


@pytest.mark.parametrize("ratio", [1 / 96, 1 / 12, 1 / 4, 0.3, 0.36, 0.42, 1 / 2])
def test_never_worse_than_the_linear_code(crops: torch.Tensor, ratio: float) -> None:
    closed = _psnr("linear", crops, ratio, SNR_DB)
    for name in BLOCK_CODES:
        lost = (closed - _psnr(name, crops, ratio, SNR_DB)).amax(0)
        assert lost.max() < 0.3, (name, dict(zip(SNR_DB, lost.tolist(), strict=True)))


@pytest.mark.parametrize("size", [(8, 8), (9, 20)])
def test_never_worse_than_the_linear_code_at_small_sizes(crops: torch.Tensor, size: tuple[int, int]) -> None:
    small = crops[..., : size[0], : size[1]].repeat(DRAWS, 1, 1, 1)
    for ratio in (1 / 6, 1 / 2):
        closed = _psnr("linear", small, ratio, SMALL_DB)
        for name in BLOCK_CODES:
            lost = (closed - _psnr(name, small, ratio, SMALL_DB)).mean(0)
            assert lost.max() < 0.3, (name, ratio, dict(zip(SMALL_DB, lost.tolist(), strict=True)))


def _plan(model: BlockCode, ratio: float, snr_db: list[float]) -> BlockPlan:
    grid, batch = (8, 8), len(snr_db)
    energy = torch.zeros(batch, model.classes, len(model.mean))
    classes, believed = torch.zeros(batch, 64).long(), torch.tensor(snr_db)
    uses = round(ratio * 64 * len(model.mean)) + 192
    budget = Budget.of(uses, uses, believed - 200)
    return plan_to_send(model.tables, classes, energy, grid, believed, budget)[0]


@pytest.mark.parametrize("name", [*BLOCK_CODES, *ROADS])
def test_the_weight_is_1_where_trained_and_falls_to_0(name: str) -> None:
    model = load(name)
    assert isinstance(model, BlockCode)
    (low, high), (narrow, wide) = model.trained.snr_db, model.trained.ratio
    for ratio in (narrow, (narrow * wide) ** 0.5, wide):
        assert model.network_weight(_plan(model, ratio, [low, 7.0, high])).tolist() == pytest.approx([1, 1, 1])
    assert model.network_weight(_plan(model, narrow, [low - 9, high + 9])).tolist() == [0, 0]
    assert model.network_weight(_plan(model, 1 / 2, [low, 7.0, high])).tolist() == [0, 0, 0]
    fading = [model.network_weight(_plan(model, wide * factor, [7.0])).item() for factor in (1, 1.1, 1.3, 1.5, 1.7)]
    assert fading == sorted(fading, reverse=True)


@pytest.mark.parametrize("name", [*BLOCK_CODES, *ROADS])
def test_cards_state_the_trained_range(name: str) -> None:
    model, card = load(name), cards()[name]
    assert isinstance(model, BlockCode)
    assert card.trained_snr_db == pytest.approx(list(model.trained.snr_db))
    assert card.trained_ratio == pytest.approx(list(model.trained.ratio), abs=1e-4)
