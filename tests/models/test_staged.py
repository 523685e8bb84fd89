"""Codes in stages: power of every stage, any prefix, and what each scheme promises."""

import math

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError
from deepjscc.models import Cnn, MultipleDecoders, Residual, SingleDecoder, Staged
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.models.training_hooks import starting_weights
from deepjscc.symbols import mean_power
from deepjscc.types import LinkPlan, Received

SCHEMES = (MultipleDecoders, SingleDecoder, Residual)
SIZES = ((32, 32), (33, 47), (4, 12))


def received_by(model: Staged, size: tuple[int, int], count: int | None = None) -> Received:
    """The first ``count`` symbols of two random images, without noise."""
    sent = model.encode(
        torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)), LinkPlan(torch.full((2,), 20.0))
    )
    symbols = sent.symbols[:, :count]
    return Received(symbols, torch.zeros(symbols.shape), None, torch.full((2,), math.inf))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stages", [1, 2, 5])
def test_every_stage_has_power_one(scheme: type[Staged], size: tuple[int, int], stages: int) -> None:
    model = scheme(stages=stages, filters=3).eval()
    symbols = received_by(model, size).symbols
    assert symbols.shape[1] == model.uses(size) == model.borders(size)[-1]
    for part in symbols.split(model.stage_uses(size), 1):
        assert mean_power(part).tolist() == pytest.approx([1, 1], rel=1e-4)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_whole_stages_decode(scheme: type[Staged], size: tuple[int, int]) -> None:
    model = scheme(stages=3, filters=4).eval()
    for border in model.borders(size):
        decoded = model.decode(received_by(model, size, border), size)
        assert decoded.shape == (2, 3, *size)
        assert decoded.min() >= 0
        assert decoded.max() <= 1


def test_what_of_a_stage_has_arrived_counts_for_the_single_decoder_alone() -> None:
    for scheme in (MultipleDecoders, Residual):
        model = scheme(stages=2, filters=8).eval()
        assert torch.equal(
            model.decode(received_by(model, (32, 32), 400), (32, 32)),
            model.decode(received_by(model, (32, 32), 256), (32, 32)),
        )
        with pytest.raises(UsageError, match="not even the first stage"):
            model.decode(received_by(model, (32, 32), 255), (32, 32))
    single = SingleDecoder(stages=2, filters=8).eval()
    partly, first = (single.decode(received_by(single, (32, 32), count), (32, 32)) for count in (400, 256))
    assert not torch.equal(partly, first)
    assert single.decode(received_by(single, (32, 32), 1), (32, 32)).shape == (2, 3, 32, 32)
    with pytest.raises(UsageError, match="nothing"):
        single.decode(received_by(single, (32, 32), 0), (32, 32))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_more_symbols_than_stages_have_are_refused(scheme: type[Staged]) -> None:
    model = scheme(stages=2, filters=8).eval()
    symbols = torch.ones(1, 513).cfloat()
    with pytest.raises(UsageError, match=r"513 .* more than the 512 of 2 stages"):
        model.decode(Received(symbols, torch.zeros(1, 513), None, torch.zeros(1)), (32, 32))


def test_a_masked_tail_is_as_if_zeros_had_arrived() -> None:
    model = SingleDecoder(stages=2, filters=8).eval()
    whole = received_by(model, (32, 32))
    zeroed = whole.symbols.clone()
    zeroed[:, 256:] = 0
    masked = model.decode(received_by(model, (32, 32), 256), (32, 32))
    assert torch.equal(masked, model.decode(Received(zeroed, whole.noise_variance, None, whole.snr_db), (32, 32)))


def test_training_prefixes() -> None:
    draws = torch.Generator().manual_seed(0)
    assert MultipleDecoders(3, 8).training_ends((32, 32)) == (256, 512, 768)
    borders = {SingleDecoder(3, 8).sample_training_variant(draws).training_ends((32, 32)) for _ in range(60)}
    assert borders == {(256,), (512,), (768,)}
    model = SingleDecoder(2, 8, any_prefix=True)
    anywhere = [model.sample_training_variant(draws).training_ends((32, 32))[0] for _ in range(400)]
    assert min(anywhere) < 30
    assert max(anywhere) > 480
    assert len(set(anywhere)) > 200


def test_a_later_stage_sends_what_the_earlier_ones_left() -> None:
    model = Residual(stages=2, filters=8).eval()
    images = torch.rand(1, 3, 32, 32)
    estimates = []

    def estimate(stage: int, symbols: torch.Tensor) -> torch.Tensor:
        estimates.append(model.decode_stage(stage, symbols, (32, 32)))
        return estimates[-1]

    sent = model.encode_by(images, estimate)
    assert len(estimates) == 1
    assert torch.equal(sent[:, :256], model.encode_stage(0, images))
    assert torch.equal(sent[:, 256:], model.encode_stage(1, images - estimates[0]))


def test_many_simulated_receptions_come_to_their_mean() -> None:
    torch.manual_seed(0)
    model = Residual(stages=2, filters=8).eval()
    symbols = model.encode_stage(0, torch.rand(1, 3, 32, 32))
    draws = torch.Generator().manual_seed(0)

    def estimate(count: int) -> torch.Tensor:
        return model.simulate(
            0, symbols, (32, 32), lambda z: equalise(AWGN()(z, torch.tensor([0.0]), generator=draws), None), count
        )

    few, one = ((estimate(count) - estimate(400)).square().mean() for count in (20, 1))
    assert 10 < one / few < 25  # the variance of a mean of 20 is a twentieth


def test_only_the_last_pair_learns() -> None:
    model = Residual(stages=3, filters=4)
    learning = {name.split(".")[1] for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning == {"2"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_checkpoints_keep_the_scheme(scheme: type[Staged], tmp_path) -> None:
    model = scheme(stages=3, filters=4).eval()
    save_checkpoint(model, tmp_path / "x.safetensors")
    again = load_checkpoint(tmp_path / "x.safetensors")
    assert type(again) is scheme
    assert again.config == model.config
    whole = received_by(model, (32, 32))
    assert torch.equal(again.decode(whole, (32, 32)), model.decode(whole, (32, 32)))


def test_a_cnn_is_a_start_for_each_scheme() -> None:
    cnn, images = Cnn(filters=16).eval(), torch.rand(2, 3, 32, 32)
    latent = cnn.analyse(images, torch.zeros(2))
    for model in (MultipleDecoders(2, 8), SingleDecoder(2, 8)):
        model.load_state_dict(starting_weights(model, cnn), strict=False) if isinstance(model, SingleDecoder) else None
        if isinstance(model, MultipleDecoders):
            model.encoder.load_state_dict(cnn.encoder.state_dict())
        assert torch.allclose(model.eval().analyse(images, torch.zeros(2)), latent, atol=1e-6)
    pair = Residual(1, 16)
    pair.load_state_dict(starting_weights(pair, cnn))
    assert torch.allclose(
        pair.eval().encode_stage(0, images), cnn.encode(images, LinkPlan(torch.zeros(2))).symbols, atol=1e-5
    )
    with pytest.raises(UsageError, match="residual cannot start"):
        starting_weights(pair, SingleDecoder())


def test_bad_configs_are_refused() -> None:
    for scheme in SCHEMES:
        with pytest.raises(UsageError, match="at least one stage"):
            scheme(stages=0)
        with pytest.raises(UsageError, match="at least one"):
            scheme(filters=0)
