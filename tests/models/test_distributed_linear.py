"""`distributed_linear`: where it begins, what its views hear of one another, and what it refuses."""

import pytest
import torch
from torch.nn import functional as F

from deepjscc.channels import AWGN
from deepjscc.channels.output import ChannelOutput
from deepjscc.errors import UsageError
from deepjscc.models import DistributedLinear, Universal
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.models.training_hooks import starting_weights
from deepjscc.systems import Link
from deepjscc.types import LinkPlan
from deepjscc.zoo import load

SMALL = {"width": 8, "encoder_depth": 1, "decoder_depth": 4, "clean_width": 4, "window_rows": 4, "window_columns": 8}
SNR_DB = torch.tensor([[3.0, 12.0]])


def fresh(joint: bool = True) -> DistributedLinear:
    """As it begins: the linear code of the zoo inside."""
    torch.manual_seed(0)
    model = DistributedLinear(**SMALL, joint=joint)  # type: ignore[arg-type]
    model.load_state_dict(load("linear").state_dict(), strict=False)
    return model.eval()


def stirred(joint: bool = True) -> DistributedLinear:
    """With networks that say something everywhere."""
    model, draws = fresh(joint), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=draws))
    return model


@pytest.fixture
def pairs() -> torch.Tensor:
    smooth = F.avg_pool2d(torch.rand(2, 3, 40, 72, generator=torch.Generator().manual_seed(5)), 9, 1)
    return smooth.unflatten(0, (1, 2))


def transmitted(model: DistributedLinear, pairs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return Link(model, AWGN()).transmit(pairs, SNR_DB, generator=torch.Generator().manual_seed(2)).images


def test_it_begins_at_linear(pairs: torch.Tensor) -> None:
    link = Link(load("linear"), AWGN(), bandwidth_ratio=20 / 384)
    with torch.no_grad():
        alone = link.transmit(pairs[0], SNR_DB[0], generator=torch.Generator().manual_seed(2)).images
    assert torch.allclose(transmitted(fresh(), pairs)[0], alone, atol=1e-5)


def test_alone_it_is_universal(pairs: torch.Tensor) -> None:
    model = stirred(joint=False)
    config = {name: value for name, value in SMALL.items() if "window" not in name}
    universal = Universal(**config).eval()
    universal.load_state_dict(model.state_dict())
    link = Link(universal, AWGN(), bandwidth_ratio=20 / 384)
    with torch.no_grad():
        theirs = link.transmit(pairs[0], SNR_DB[0], generator=torch.Generator().manual_seed(2)).images
    assert torch.equal(transmitted(model, pairs)[0], theirs)
    assert set(starting_weights(stirred(), universal)) < set(stirred().state_dict())


def test_a_camera_knows_nothing_of_the_other_and_the_decoder_does(pairs: torch.Tensor) -> None:
    model, changed = stirred(), pairs.clone()
    changed[:, 1] = changed[:, 1].flip(-1)
    with torch.no_grad():
        sent, other = (model.encode(each[0], LinkPlan(SNR_DB[0])).symbols for each in (pairs, changed))
    assert torch.equal(sent[0], other[0])
    assert not torch.allclose(transmitted(model, pairs)[0, 0], transmitted(model, changed)[0, 0], atol=1e-4)
    alone = stirred(joint=False)
    assert torch.equal(transmitted(alone, pairs)[0, 0], transmitted(alone, changed)[0, 0])


class Broken(AWGN):
    """A channel from which the right views come as no numbers."""

    def forward(self, symbols, snr_db, *, gain=None, generator=None) -> ChannelOutput:
        received = super().forward(symbols, snr_db, gain=gain, generator=generator)
        received.symbols[1::2, 5] = torch.nan
        return received


@torch.no_grad()
def test_of_a_broken_link_the_other_view_is_decoded(pairs: torch.Tensor) -> None:
    sent = Link(stirred(), Broken()).transmit(pairs, SNR_DB, generator=torch.Generator().manual_seed(0))
    assert sent.delivered.tolist() == [[True, False]]
    assert sent.images.isfinite().all()
    assert sent.images[0, 0].std() > 0.001


@torch.no_grad()
def test_half_a_pair_is_refused_and_a_single_image_is_not(pairs: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="send-pair"):
        Link(stirred(), AWGN()).transmit(pairs[0, :1], SNR_DB[0, :1])
    assert Link(stirred(joint=False), AWGN()).transmit(pairs[0, :1], SNR_DB[0, :1]).images.shape == pairs[0, :1].shape


def test_gradients_reach_every_weight(pairs: torch.Tensor) -> None:
    model = stirred().train()
    for snr_db in (SNR_DB, torch.full((1, 2), torch.inf)):
        Link(model, AWGN()).transmit(pairs, snr_db).images.square().sum().backward()
    untouched = [n for n, w in model.named_parameters() if w.grad is None or not w.grad.any()]
    assert untouched == []


def test_weights_and_config_round_trip(tmp_path) -> None:
    save_checkpoint(stirred(), tmp_path / "m.safetensors")
    assert load_checkpoint(tmp_path / "m.safetensors").config == stirred().config


@pytest.mark.parametrize("config", [{"decoder_depth": 3}, {"window_rows": 0}])
def test_bad_configs_are_refused(config: dict) -> None:
    with pytest.raises(UsageError, match="exchanges behind"):
        DistributedLinear(**SMALL | config)


def gated(open_to: float | None = None) -> DistributedLinear:
    """The stirred joint model with a gate, fixed where a value is given."""
    model = DistributedLinear(**SMALL, gated=True).eval()  # type: ignore[arg-type]
    model.load_state_dict(stirred().state_dict(), strict=False)
    if open_to is not None:
        assert model.gate is not None
        model.gate.forward = lambda images, snr_db: torch.full((len(images),), open_to)  # type: ignore[method-assign]
    return model


def test_an_open_gate_changes_nothing(pairs: torch.Tensor) -> None:
    torch.testing.assert_close(transmitted(gated(1.0), pairs), transmitted(stirred(), pairs))


def test_behind_a_closed_gate_no_view_depends_on_the_other(pairs: torch.Tensor) -> None:
    changed = pairs.clone()
    changed[:, 1] = changed[:, 1].flip(-1)
    ours, other = (transmitted(gated(0.0), each)[0, 0] for each in (pairs, changed))
    assert torch.equal(ours, other)


def test_the_gate_is_measured_from_the_estimates_and_trained(pairs: torch.Tensor) -> None:
    model = gated().train()
    with torch.no_grad():  # its last layer begins at zero, which lets no gradient through to the first one
        for weight in model.gate.parameters():  # type: ignore[union-attr]
            weight.add_(0.05)
    Link(model, AWGN()).transmit(pairs, SNR_DB).images.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.gate.parameters())  # type: ignore[union-attr]


def test_weights_without_a_gate_load_as_before() -> None:
    assert load("distributed-linear-joint").config.get("gated", False) is False
