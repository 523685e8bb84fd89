"""Codes around `linear`: at step 0 they are it; every weight learns; strips are seamless, their halo as far as told."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.equaliser import equalise
from deepjscc.images import to_float
from deepjscc.models import AdaptiveLinear, BlockCode, Universal, UnrolledLinear
from deepjscc.models.block_code.tiling import BatchRows
from deepjscc.symbols import mean_power
from deepjscc.systems import Link
from deepjscc.types import Encoded, LinkPlan, Received
from deepjscc.zoo import load

MAKERS: dict[str, Callable[[], BlockCode]] = {
    "universal": lambda: Universal(width=8, encoder_depth=1, decoder_depth=1, clean_width=4),
    "adaptive_linear": lambda: AdaptiveLinear(width=4, deepest=8),
    "adaptive_linear, gates": lambda: AdaptiveLinear(width=4, deepest=8, conditioning="gate"),
    "unrolled_linear": lambda: UnrolledLinear(width=4, steps=2),
}


@pytest.fixture(params=MAKERS)
def fresh(request: pytest.FixtureRequest) -> BlockCode:
    """As it begins: the linear code of the zoo inside."""
    model = MAKERS[request.param]()
    model.load_state_dict(load("linear").state_dict(), strict=False)
    return model.eval()


@pytest.fixture
def stirred(fresh: BlockCode) -> BlockCode:
    """With networks that say something everywhere."""
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in fresh.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=draws))
    return fresh


def _link(model: BlockCode) -> Link:
    return Link(model, AWGN(), bandwidth_ratio=1 / 8)


def _received(sent: Encoded, snr_db: torch.Tensor) -> Received:
    received = equalise(AWGN()(sent.symbols, snr_db, generator=torch.Generator().manual_seed(0)), None)
    return replace(received, digital=tuple(tuple(part.data for part in parts) for parts in sent.digital))


@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 30.0])
def test_it_begins_as_the_linear_code(fresh: BlockCode, coffee: torch.Tensor, snr_db: float) -> None:
    images = to_float(coffee)
    with torch.no_grad():
        sent = [
            _link(model).transmit(images, torch.tensor([snr_db]), generator=torch.Generator().manual_seed(0)).images
            for model in (fresh, load("linear"))
            if isinstance(model, BlockCode)
        ]
    assert torch.allclose(*sent, atol=1e-4)


def test_every_weight_learns(stirred: BlockCode) -> None:
    images = torch.rand(2, 3, 64, 64)
    _link(stirred).transmit(images, torch.tensor([0.0, 15.0])).images.sub(images).square().sum().backward()
    silent = [name for name, weight in stirred.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not silent


@torch.no_grad()
def test_strips_have_no_seams(stirred: BlockCode, coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    images, snr = to_float(coffee[:, :, :320]), torch.tensor([7.0])
    size = (images.shape[2], images.shape[3])
    whole = stirred.encode(images, LinkPlan(snr, 1 / 8))
    received = _received(whole, snr)
    decoded = stirred.decode(received, size)
    monkeypatch.setattr("deepjscc.models.block_code.tiling.STRIP_PIXELS", 4 * 16 * size[1])
    monkeypatch.setattr("deepjscc.models.block_code.tiling.HALOS", 0)
    pieces = stirred.encode_rows(BatchRows(images, 16), LinkPlan(snr, 1 / 8))
    assert pieces.digital == whole.digital
    assert torch.allclose(pieces.symbols, whole.symbols, atol=1e-4)
    assert torch.allclose(stirred.decode(received, size), decoded, atol=1e-4)


@torch.no_grad()
def test_the_halo_is_what_a_change_reaches(stirred: BlockCode, coffee: torch.Tensor) -> None:
    """A symbol of one block that came otherwise changes the picture no further than the halo says."""
    images, snr = to_float(coffee[:, :, :96]), torch.tensor([12.0])
    size = (images.shape[2], images.shape[3])
    received = _received(stirred.encode(images, LinkPlan(snr, 1 / 4)), snr)
    changed = received.symbols.clone()
    changed[0, 0] += 3.0  # in the base of the stream: the first coefficient of the first two blocks
    pictures = [stirred.decode(replace(received, symbols=symbols), size) for symbols in (received.symbols, changed)]
    moved = (pictures[0] - pictures[1]).abs().amax((0, 1, 3)).unfold(0, 16, 16).amax(1) > 0
    assert not moved[stirred.halo + 1 :].any()


@torch.no_grad()
def test_power_is_one_and_strangers_do_not_meet(stirred: BlockCode, coffee: torch.Tensor) -> None:
    images = to_float(torch.stack([coffee[:, :64, :64], coffee[:, 200:264, 300:364] // 4]))
    together = stirred.encode(images, LinkPlan(torch.tensor([0.0, 15.0]), 1 / 8))
    for row, count in zip(together.symbols, together.counts, strict=True):
        assert mean_power(row[None, :count]).item() == pytest.approx(1, rel=1e-4)
    alone = stirred.encode(images[1:], LinkPlan(torch.tensor([15.0]), 1 / 8))
    assert torch.allclose(alone.symbols[0], together.symbols[1, : alone.counts[0]], atol=1e-5)
