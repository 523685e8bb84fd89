"""The distributed model: what each camera sends, what the decoder hears, and what it refuses."""

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError
from deepjscc.models import Cnn, Distributed
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.models.distributed import network_snr, no_token
from deepjscc.models.training_hooks import starting_weights
from deepjscc.symbols import mean_power
from deepjscc.types import LinkPlan


def stirred(**options: object) -> Distributed:
    """A small model whose every weight says something."""
    torch.manual_seed(0)
    model = Distributed(**{"width": 24, **options})  # type: ignore[arg-type]
    for weight in model.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval()


def test_ratio_and_power() -> None:
    model = stirred()
    sent = model.encode(torch.rand(3, 3, 128, 256), LinkPlan(torch.tensor([-3.0, 5.0, torch.inf]))).symbols
    assert sent.shape == (3, 5120)
    assert pytest.approx(0.052, abs=1e-3) == 5120 / (3 * 128 * 256)
    assert torch.allclose(mean_power(sent), torch.ones(3), atol=1e-4)


def test_a_camera_knows_nothing_of_the_other() -> None:
    model, images = stirred(), torch.rand(2, 3, 32, 64)
    together = model.encode(images, LinkPlan(torch.tensor([1.0, 9.0]))).symbols
    assert torch.allclose(model.encode(images[:1], LinkPlan(torch.tensor([1.0]))).symbols, together[:1], atol=1e-5)
    assert not torch.allclose(model.encode(images[:1], LinkPlan(torch.tensor([9.0]))).symbols, together[:1], atol=1e-3)


@torch.no_grad()
def test_the_decoder_hears_the_other_image_if_joint() -> None:
    for joint in (True, False):
        model, snr_db = stirred(joint=joint), torch.tensor([5.0, 5.0])
        symbols = model.encode(torch.rand(2, 3, 32, 64), LinkPlan(snr_db)).symbols
        other = torch.stack([symbols[0], symbols[1].roll(7)])
        decoded, changed = (
            model.decode(equalise(AWGN()(s, torch.full((2,), 200.0)), None), (32, 64))[0] for s in (symbols, other)
        )
        assert torch.allclose(decoded, changed, atol=1e-4) != joint


def test_half_a_pair_is_refused_and_a_single_image_is_not() -> None:
    for joint in (True, False):
        model = stirred(joint=joint)
        received = equalise(
            AWGN()(model.encode(torch.rand(1, 3, 30, 50), LinkPlan(torch.zeros(1))).symbols, torch.zeros(1)), None
        )
        if joint:
            with pytest.raises(UsageError, match="send-pair"):
                model.decode(received, (30, 50))
        else:
            assert model.decode(received, (30, 50)).shape == (1, 3, 30, 50)


def test_gradients_reach_every_weight() -> None:
    model = stirred()
    received = equalise(AWGN()(model.encode(torch.rand(38, 3, 16, 16), LinkPlan(TOKENS_DB)).symbols, TOKENS_DB), None)
    model.decode(received, (16, 16)).square().sum().backward()
    untouched = [n for n, w in model.named_parameters() if w.grad is None or not w.grad.any()]
    assert untouched == []


TOKENS_DB = torch.tensor([*range(-3, 15), torch.inf]).repeat_interleave(2)


def test_snrs_as_told_and_the_note() -> None:
    assert network_snr(torch.tensor([-9.0, 3.0, 40.0, 100.0, torch.inf])).tolist() == [-3, 3, 14, 20, 20]
    assert no_token(torch.tensor([[-3.0, 14.0], [torch.inf, 0.0]])) is None
    for outside in ([5.0, 20.0], [-10.0]):
        assert "outside -3 to 14 dB" in str(no_token(torch.tensor(outside)))


def test_weights_and_config_round_trip(tmp_path) -> None:
    model = stirred(values="own", softmax="queries", heads=2, position=False)
    save_checkpoint(model, tmp_path / "m.safetensors")
    loaded = load_checkpoint(tmp_path / "m.safetensors")
    assert loaded.config == model.config
    assert set(starting_weights(stirred(), stirred(joint=False))) < set(stirred().state_dict())
    with pytest.raises(UsageError):
        starting_weights(model, Cnn())


@pytest.mark.parametrize(
    "config", [{"filters": 0}, {"width": 20}, {"heads": 5}, {"values": "both"}, {"softmax": "rows"}, {"window_rows": 0}]
)
def test_bad_configs_are_refused(config: dict) -> None:
    with pytest.raises((UsageError, TypeError)):  # the type checker of the tests refuses unknown names first
        Distributed(**{"width": 24, **config})
