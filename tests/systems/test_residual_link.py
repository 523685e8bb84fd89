"""Progressive links: a picture after each stage, the same gains and noise whatever the transmitter knows."""

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import UsageError
from deepjscc.models import MultipleDecoders, Residual, SingleDecoder, Staged
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.systems import Link, ResidualLink, System, make_link
from deepjscc.systems.names import make_system

CHANNELS = [AWGN(), Rayleigh("image"), Rayleigh("symbol"), Rayleigh("image", "none")]
SNR_DB = torch.tensor([5.0, 15.0])


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("model", [MultipleDecoders(3, 4), SingleDecoder(3, 4), Residual(3, 4)], ids=lambda m: m.kind)
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: f"{type(c).__name__}-{c.coherence}-{c.csi}")
def test_a_picture_after_each_stage(model: Staged, channel: AWGN) -> None:
    link = make_link(model.eval(), channel)
    assert isinstance(link, System)
    images = torch.rand(2, 3, 33, 47, generator=draws())
    sent = link.transmit(images, SNR_DB, generator=draws())
    assert [stage.shape for stage in sent.refinements] == [images.shape] * 3
    assert torch.equal(sent.images, sent.refinements[-1])
    assert sent.refinement_uses == model.borders((33, 47))
    assert sent.channel_uses.tolist() == [model.uses((33, 47))] * 2
    again = link.transmit(images, SNR_DB, generator=draws())
    assert torch.equal(sent.images, again.images)
    assert all(stage.min() >= 0 and stage.max() <= 1 for stage in sent.refinements)


@pytest.mark.parametrize("model", [MultipleDecoders(2, 4), SingleDecoder(2, 4)], ids=lambda m: m.kind)
def test_refinements_are_what_a_receiver_decodes_from_a_prefix(model: Staged) -> None:
    images = torch.rand(2, 3, 32, 32, generator=draws())
    sent = make_link(model.eval(), AWGN()).transmit(images, SNR_DB, generator=draws())
    whole = Link(model, AWGN()).transmit(images, SNR_DB, generator=draws())
    assert torch.equal(sent.images, whole.images)


def test_over_slow_fading_all_stages_share_a_gain() -> None:
    """Unknown to the receiver and without noise, it scales and turns the symbols of all stages alike."""
    channel = Rayleigh("image", "none")
    seen = []

    class Spy(Residual):
        def decode_stage(self, stage, symbols, size):
            seen.append(symbols)
            return super().decode_stage(stage, symbols, size)

    model = Spy(2, 8).eval()
    ResidualLink(model, channel, receptions=None).transmit(
        torch.rand(1, 3, 32, 32), torch.tensor([torch.inf]), generator=draws()
    )
    powers = [symbols.abs().square().mean().item() for symbols in seen]
    assert powers[0] == pytest.approx(powers[1], rel=1e-4)
    assert powers[0] == pytest.approx(channel.draw_gain(1, 1, draws()).abs().square().item(), rel=1e-4)


def test_the_first_stage_meets_the_same_noise_however_the_transmitter_estimates() -> None:
    model, images = Residual(2, 8).eval(), torch.rand(2, 3, 32, 32)
    stages = [
        ResidualLink(model, AWGN(), receptions=receptions).transmit(images, SNR_DB, generator=draws()).refinements
        for receptions in (None, 1, 20)
    ]
    assert torch.equal(stages[0][0], stages[1][0])
    assert torch.equal(stages[0][0], stages[2][0])
    assert not torch.equal(stages[0][1], stages[1][1])


def test_without_noise_feedback_and_simulation_agree() -> None:
    model, images, clear = Residual(2, 8).eval(), torch.rand(2, 3, 32, 32), torch.full((2,), torch.inf)
    fed_back, simulated = (
        ResidualLink(model, AWGN(), receptions=count).transmit(images, clear, generator=draws()).images
        for count in (None, 3)
    )
    assert torch.allclose(fed_back, simulated, atol=1e-5)


def test_a_transmitter_that_believes_in_less_noise_simulates_less() -> None:
    model, images = Residual(2, 8).eval(), torch.rand(2, 3, 32, 32)
    link = ResidualLink(model, AWGN(), receptions=1)
    knows, believes = (
        link.transmit(images, SNR_DB, encoder_snr_db=believed, generator=draws()) for believed in (None, SNR_DB + 90)
    )
    assert torch.equal(knows.refinements[0], believes.refinements[0])
    assert not torch.equal(knows.images, believes.images)


def test_training_sees_what_each_scheme_learns_from() -> None:
    images = torch.rand(2, 3, 32, 32)
    both = make_link(MultipleDecoders(2, 8).train(), AWGN()).transmit(images, SNR_DB)
    assert len(both.refinements) == 2
    drawn = {
        make_link(SingleDecoder(2, 8).train(), AWGN()).transmit(images, SNR_DB, generator=fresh).refinement_uses
        for fresh in [torch.Generator().manual_seed(seed) for seed in range(12)]
    }
    assert drawn == {(256,), (512,)}
    model = Residual(2, 8).train()
    (total,) = make_link(model, AWGN()).transmit(images, SNR_DB).refinements
    total.sum().backward()
    assert all((weight.grad is not None) == weight.requires_grad for weight in model.parameters())


def test_names_say_how_the_transmitter_estimates(tmp_path) -> None:
    path = str(tmp_path / "residual.safetensors")
    save_checkpoint(Residual(2, 4), path)
    receptions = {"": 10, "@m=100": 100, "@feedback": None}
    for ending, count in receptions.items():
        named = make_system(path + ending, AWGN())
        assert isinstance(named.system, ResidualLink)
        assert named.system.receptions == count
        assert named.name == path + ending
    save_checkpoint(MultipleDecoders(2, 4), path)
    assert type(make_system(path, AWGN()).system) is Link
    for wrong in (path + "@feedback", "cnn-c8-awgn-13db@m=3"):
        with pytest.raises(UsageError, match="only a model of residual transmission"):
            make_system(wrong, AWGN())
    save_checkpoint(Residual(2, 4), path)
    with pytest.raises(UsageError, match="at least one reception"):
        make_system(path + "@m=0", AWGN())
