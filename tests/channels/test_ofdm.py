"""OFDM over the delay lines of TR 38.901 against theory: gains, noise, estimates, pilots; and links that use it."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from deepjscc.channels import AWGN, OFDM, Rayleigh, make_channel
from deepjscc.channels.ofdm import LATEST_TAP
from deepjscc.channels.prefix import Prefix
from deepjscc.channels.resource_block import DATA, PILOTS
from deepjscc.digital import CODECS, Ideal
from deepjscc.equaliser import equalise
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.metrics import psnr
from deepjscc.models import MultipleDecoders, Residual
from deepjscc.radio.split import decode_image, encode_image, pass_channel
from deepjscc.symbols import channel_uses, mean_power, normalise_power
from deepjscc.systems import Digital, Link, ResidualLink, make_link
from deepjscc.zoo import load

PROFILES = ["tdl-a", "tdl-c", "cdl-c"]


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _symbols(batch: int, uses: int) -> Tensor:
    return normalise_power(torch.randn(batch, uses, dtype=torch.complex64, generator=_seeded(7)))


def _photo(size: int) -> Tensor:
    from deepjscc.data import open_data

    return open_data("samples")[2][None, :, 100 : 100 + size, 200 : 200 + size] / 255


@pytest.mark.parametrize("profile", PROFILES)
def test_gain_moments(profile: str) -> None:
    """E|h|^2 = 1, and Rayleigh: |h|^2 is exponential, phases are uniform."""
    gain = make_channel(profile).draw_gain(2000, 1, _seeded())[:, 0]
    power = gain.abs().square()
    assert power.mean().item() == pytest.approx(1, abs=0.06)
    assert power.square().mean().item() == pytest.approx(2, abs=0.3)
    assert gain.mean().abs().item() == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("profile", PROFILES)
def test_frequency_correlation_is_that_of_the_delay_profile(profile: str) -> None:
    """E[h(f) h*(f + df)] = sum of P_l exp(j 2 pi df tau_l), from Sionna's table of the profile, over 20 MHz."""
    from sionna.phy.ofdm import tdl_freq_cov_mat

    channel = OFDM(profile)
    gain = channel.draw_gain(400, 51 * DATA, _seeded())[:, : 51 * DATA].reshape(400, 51, DATA)[..., 0]
    measured = (gain[:, :1] * gain.conj()).mean(0)
    expected = tdl_freq_cov_mat(profile[-1].upper(), 12 * 30e3, 51, 100e-9, device="cpu")[0]
    assert (measured - expected).abs().max().item() < 0.15
    assert expected[0] == pytest.approx(1)  # the profile's powers add up to one
    assert expected.abs().min().item() < 0.6  # and the carrier is selective


def test_a_fade_lasts_as_long_as_the_speed_says() -> None:
    """E[h(t) h*(t + dt)] = J0(2 pi f_D dt), here over 20 slots of one resource block."""
    from scipy.special import j0

    channel = OFDM("tdl-a", resource_blocks=1, speed_m_s=10.0)
    gain = channel.draw_gain(300, 20 * DATA, _seeded())[:, : 20 * DATA].reshape(300, 20, DATA)[..., 0]
    measured = (gain[:, :1] * gain.conj()).mean(0).real
    slot_s = 14 * (1 + 144 / 2048) / 30e3
    expected = j0(2 * math.pi * 10 / 299792458 * 3.5e9 * slot_s * torch.arange(20.0).numpy())
    assert (measured - torch.from_numpy(expected)).abs().max().item() < 0.2
    still = OFDM("tdl-a", resource_blocks=1, speed_m_s=0.0).draw_gain(1, 20 * DATA, _seeded())[0, : 20 * DATA]
    assert (still[::DATA] - still[0]).abs().max().item() < 1e-4


@pytest.mark.parametrize("profile", PROFILES)
def test_echoes_end_where_the_table_says_and_within_the_cyclic_prefix(profile: str) -> None:
    from sionna.phy.channel.tr38901 import models

    table = models.load_json(models.parameter_file(f"{profile.upper()}.json", "19.2"))
    assert max(table["delays"]) == LATEST_TAP[profile]
    with pytest.raises(UsageError, match=r"past the cyclic prefix of 2\.3 us"):
        OFDM(profile, delay_spread_s=300e-9)
    OFDM(profile, delay_spread_s=300e-9, spacing_hz=15e3)


@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 30.0])
def test_snr_measured_from_symbols_and_noise(snr_db: float) -> None:
    """P/N0 a symbol, within 0.1 dB: y = h z + n, and pilots h p + n with p of the power of the symbols."""
    symbols, channel = _symbols(4, 5000), OFDM("tdl-a")
    gain = channel.draw_gain(4, 5000, _seeded())
    output = channel(symbols, torch.full((4,), snr_db), gain=gain, generator=_seeded(1))
    assert torch.equal(output.gain, gain)
    noise = output.symbols - symbols * gain[:, :5000]
    n0 = 10 ** (-snr_db / 10)
    assert output.noise_variance.unique().tolist() == pytest.approx([n0])
    pilot_noise = output.pilots - (1 + 1j) / math.sqrt(2) * gain[:, 5000:]
    assert mean_power(pilot_noise).mean().item() == pytest.approx(n0, rel=0.1)
    assert 10 * math.log10(mean_power(symbols).mean() / mean_power(noise).mean()) == pytest.approx(snr_db, abs=0.1)
    assert noise.real.var().item() == pytest.approx(n0 / 2, rel=0.03)
    assert noise.imag.var().item() == pytest.approx(n0 / 2, rel=0.03)
    again = channel(symbols * 0, torch.full((4,), snr_db), gain=gain, generator=_seeded(1))
    assert torch.allclose(again.symbols, noise, atol=1e-3 * math.sqrt(n0))


def test_equal_generators_give_equal_gains_and_leave_the_rest_alone() -> None:
    channel, before = OFDM("cdl-c"), torch.get_rng_state()
    once, draws = channel.draw_gain(2, 1000, _seeded(3)), _seeded(3)
    assert torch.equal(once, OFDM("cdl-c").draw_gain(2, 1000, draws))
    assert not torch.equal(once, channel.draw_gain(2, 1000, draws))
    # A link with fewer symbols meets the same fade.
    assert torch.allclose(once[:, :300], channel.draw_gain(2, 300, _seeded(3))[:, :300], atol=1e-5)
    first, second = (channel(_symbols(2, 1000), torch.zeros(2), generator=_seeded(5)) for _ in range(2))
    assert torch.equal(first.symbols, second.symbols)
    assert torch.equal(before, torch.get_rng_state())


def test_images_in_a_batch_are_strangers() -> None:
    symbols, channel = _symbols(3, 500), OFDM("tdl-c")
    gain, snr_db = channel.draw_gain(3, 500, _seeded()), torch.tensor([0.0, 10.0, 20.0])
    one = channel(symbols, snr_db, gain=gain, generator=_seeded(1))
    others = symbols * torch.tensor([[5j], [1], [0]])
    two = channel(others, snr_db, gain=gain, generator=_seeded(1))
    assert torch.equal(one.symbols[1], two.symbols[1])
    assert torch.equal(one.pilots, two.pilots)


@pytest.mark.parametrize("uses", [1, 143, 144, 145, 51 * DATA, 51 * DATA + 1, 20_000])
def test_any_number_of_symbols(uses: int) -> None:
    channel = OFDM("tdl-a", "receiver")
    blocks = math.ceil(uses / DATA)
    assert channel.pilot_uses(uses) == PILOTS * blocks
    assert channel.draw_gain(2, uses, _seeded()).shape == (2, uses + PILOTS * blocks)
    symbols = _symbols(2, uses)
    output = channel(symbols, torch.tensor([200.0, 200.0]), generator=_seeded())
    received = equalise(output, channel.csi)
    assert torch.allclose(received.symbols, symbols, atol=1e-4)  # each is where it was
    assert received.noise_variance.shape == received.gain.shape == symbols.shape
    assert output.pilots.shape == (2, PILOTS * blocks)


def test_data_uses_are_the_most_that_fit_with_their_pilots() -> None:
    for channel in (OFDM(), Prefix(OFDM(), 0.5)):
        for total in range(600):
            data = channel.data_uses(total)
            assert data + channel.pilot_uses(data) <= total
            assert data + 1 + channel.pilot_uses(data + 1) > total
    assert (AWGN().pilot_uses(600), AWGN().data_uses(600)) == (0, 600)


def test_capacity_is_planned_ergodic_and_delivered_by_the_draw() -> None:
    channel, snr_db = OFDM("tdl-a"), torch.tensor([10.0, 0.0])
    assert torch.equal(channel.capacity(snr_db), Rayleigh("symbol").capacity(snr_db))
    gain = torch.full((2, DATA + PILOTS), 3.0 + 0j)
    gain[:, : DATA // 2] = 1
    expected = [(math.log2(1 + snr) + math.log2(1 + 9 * snr)) / 2 for snr in (10, 1)]
    assert channel.capacity(snr_db, gain).tolist() == pytest.approx(expected, rel=1e-6)
    drawn = channel.draw_gain(2000, 1, _seeded())
    mean = channel.capacity(torch.full((2000,), 10.0), drawn).mean()
    assert mean.item() == pytest.approx(channel.capacity(snr_db)[0].item(), rel=0.04)


@pytest.mark.parametrize("csi", ["estimated", "receiver"])
@pytest.mark.parametrize("model", ["linear", "universal-s"])
def test_learned_links_send_and_count_pilots(model: str, csi: str) -> None:
    photo, channel = _photo(96), OFDM("tdl-a", csi)
    link = Link(load(model).eval(), channel, bandwidth_ratio=1 / 6)
    with torch.no_grad():
        sent = link.transmit(photo, torch.tensor([15.0]), generator=_seeded(1))
    total = channel_uses((96, 96), 1 / 6)
    data = channel.data_uses(total)
    assert total - PILOTS <= sent.channel_uses.item() == data + channel.pilot_uses(data) <= total
    assert psnr(photo, sent.images).item() > 22


def test_a_ratio_that_pilots_eat_up_is_refused() -> None:
    with pytest.raises(UsageError, match="the pilots take all channel uses"):
        Link(load("linear"), OFDM(), bandwidth_ratio=1 / 256).transmit(_photo(32), torch.tensor([15.0]))


def test_a_digital_link_sends_bits_on_data_only() -> None:
    photo, channel = _photo(96), OFDM("tdl-a")
    snr_db, uses = torch.tensor([15.0]), channel_uses((96, 96), 1 / 6)
    coding = Ideal()
    assert coding.plan(100, channel, 15.0) == coding.plan(100, Rayleigh("symbol"), 15.0)
    link = Link(Digital(CODECS["jpeg2000"](), channel, Ideal(5.0)), channel, bandwidth_ratio=1 / 6)
    outcomes = [link.transmit(photo, snr_db, generator=_seeded(seed)) for seed in range(6)]
    assert {True} <= {sent.delivered.item() for sent in outcomes}
    data = channel.data_uses(uses)
    assert all(sent.channel_uses.item() == data + channel.pilot_uses(data) <= uses for sent in outcomes)
    for seed, sent in enumerate(outcomes):
        carried = channel.capacity(snr_db, channel.draw_gain(1, data, _seeded(seed)))
        assert sent.delivered.item() == (carried >= channel.capacity(torch.tensor([5.0]))).item()


@torch.no_grad()
def test_stages_count_their_pilots() -> None:
    images, snr_db = _photo(32), torch.tensor([10.0])
    together = make_link(MultipleDecoders(stages=2).eval(), OFDM())
    each = together.model.stage_uses((32, 32))
    sent = together.transmit(images, snr_db, generator=_seeded())
    assert sent.refinement_uses == tuple(n + OFDM().pilot_uses(n) for n in (each, 2 * each))
    alone = ResidualLink(Residual(stages=2).eval(), OFDM(), receptions=1)
    each = alone.model.stage_uses((32, 32))
    sent = alone.transmit(images, snr_db, generator=_seeded())
    assert sent.refinement_uses == tuple(stage * (each + OFDM().pilot_uses(each)) for stage in (1, 2))
    assert sent.channel_uses.item() == sent.refinement_uses[-1]


@pytest.mark.parametrize("csi", ["estimated", "receiver"])
def test_recordings_hold_what_the_receiver_knows(tmp_path: Path, csi: str) -> None:
    photo, channel = _photo(64), OFDM("tdl-a", csi)
    picture = (photo[0] * 255).round().byte()
    encode_image(picture, "linear", tmp_path / "sent", 10.0, 1 / 8, channel.fade_depth_db)
    report = pass_channel(tmp_path / "sent", channel, tmp_path / "received", 10.0, seed=0)
    assert report["pilot_uses"] == channel.pilot_uses(channel_uses((64, 64), 1 / 8))
    decoded = decode_image([tmp_path / "received"])[0]
    with torch.no_grad():
        link = Link(load("linear"), channel)
        link.bandwidth_ratio = (channel_uses((64, 64), 1 / 8) + report["pilot_uses"]) / photo.numel()
        sent = link.transmit(photo, torch.tensor([10.0]), generator=_seeded())
    assert (decoded - sent.images[0] * 255).abs().max() < 1


def test_bad_options_are_refused() -> None:
    wrong = [{"csi": "none"}, {"delay_spread_s": 0.0}, {"speed_m_s": math.nan}, {"resource_blocks": 0}]
    for options in wrong:
        with pytest.raises(UsageError, match=r"not one of|must be"):
            OFDM("tdl-a", **options)
    with pytest.raises(UsageError, match="does not take coherence"):
        make_channel("tdl-a", coherence="image")
    with pytest.raises(UsageError, match="not one of none, receiver"):
        make_channel("rayleigh", csi="estimated")


def test_without_sionna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sionna", None)
    with pytest.raises(DeepJSCCError, match=r"tdl-c needs Sionna: pip install 'deepjscc\[digital\]'"):
        make_channel("tdl-c")


def test_importing_sionna_leaves_torch_alone_and_is_late() -> None:
    """Sionna seeds torch's default generator anew when imported; that must not show."""
    code = (
        "import sys, torch; torch.manual_seed(1); before = torch.get_rng_state()\n"
        "from deepjscc.channels import make_channel\n"
        "channel = make_channel('tdl-a'); assert 'sionna.phy' not in sys.modules\n"
        "channel.draw_gain(1, 1, torch.Generator()); assert 'sionna.phy' in sys.modules\n"
        "assert torch.equal(before, torch.get_rng_state())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
