"""Links, learned and digital: one `transmit`, honest costs, the cliff where it belongs."""

import math

import pytest
import torch
from PIL import Image

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.digital import CODECS, Ideal
from deepjscc.digital.coding import sinr_db
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import from_picture, to_8bit, to_float, to_picture
from deepjscc.metrics import psnr
from deepjscc.models import Cnn
from deepjscc.systems import Digital, Link, System
from deepjscc.systems.names import make_system, parse_coding
from deepjscc.systems.strips import transmit_picture
from deepjscc.systems.transport import send_over
from deepjscc.types import DigitalLayer, Encoded
from deepjscc.zoo import load


def _snr(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


@pytest.fixture
def images(coffee: torch.Tensor) -> torch.Tensor:
    return to_float(torch.stack([coffee[:, :96, :96], coffee[:, 200:296, 200:296]]))


@pytest.mark.parametrize("name", ["linear", "jpeg2000+ideal", "webp+ideal@3dB"])
def test_learned_and_digital_look_alike(name: str, images: torch.Tensor, draws: torch.Generator) -> None:
    named = make_system(name, AWGN(), bandwidth_ratio=1 / 6)
    assert isinstance(named.system, System)
    sent = named.system.transmit(images, _snr(5, 15), generator=draws)
    assert sent.images.shape == images.shape
    assert sent.channel_uses.tolist() == [4608, 4608]
    assert sent.bandwidth_ratio.tolist() == pytest.approx([1 / 6] * 2)
    assert sent.delivered.all()
    assert (psnr(images, sent.images) > 20).all()


def test_an_envelope_has_no_cliff_and_a_fixed_rate_has(images: torch.Tensor) -> None:
    envelope = make_system("jpeg2000+ideal", AWGN(), bandwidth_ratio=1 / 6).system
    fixed = make_system("jpeg2000+ideal@5dB", AWGN(), bandwidth_ratio=1 / 6).system

    def at(system: System, snr_db: float) -> tuple[float, bool]:
        sent = system.transmit(images[:1], _snr(snr_db))
        return psnr(images[:1], sent.images).item(), bool(sent.delivered)

    assert at(fixed, 5.0) == at(envelope, 5.0) == at(fixed, 50.0)
    assert at(fixed, 4.99) == (at(fixed, -20.0)[0], False)
    assert at(fixed, 4.99)[0] < at(envelope, 0.0)[0] < at(envelope, 5.0)[0] < at(envelope, 10.0)[0]


def test_a_transmitter_that_believes_too_much_falls_off_the_cliff(images: torch.Tensor) -> None:
    system = make_system("jpeg2000+ideal", AWGN(), bandwidth_ratio=1 / 6).system
    sent = system.transmit(images, _snr(9, 11), encoder_snr_db=_snr(10, 10))
    assert sent.delivered.tolist() == [False, True]


def test_outage_is_the_mean_colour(images: torch.Tensor) -> None:
    sent = make_system("jpeg+ideal", AWGN(), bandwidth_ratio=1 / 96).system.transmit(images, _snr(0, 0))
    assert not sent.delivered.any()
    assert torch.allclose(sent.images[0, :, 5, 7], images[0].mean((1, 2)))
    assert sent.channel_uses.tolist() == [288, 288]


def test_bits_of_an_ideal_link() -> None:
    for snr_db, rate in ((0.0, 1.0), (10.0, math.log2(11))):
        assert Ideal().plan(147456, AWGN(), snr_db).bits == math.floor(147456 * rate)
    assert Ideal(10.0).plan(100, AWGN(), 0.0).bits == math.floor(100 * math.log2(11))
    assert Ideal().plan(100, AWGN(), math.inf).bits > 10**6
    slow, fast = (Ideal().plan(1000, Rayleigh(coherence), 10.0) for coherence in ("image", "symbol"))
    assert slow == Ideal().plan(1000, AWGN(), 10.0)
    assert fast.bits < slow.bits


def test_bits_beneath_an_analog_layer() -> None:
    """The analog layer is noise: (1 - a) S / (1 + a S)."""
    sinr = 0.8 * 10 / (1 + 0.2 * 10)
    assert Ideal().plan(10**6, AWGN(), 10.0, 0.2).bits == pytest.approx(10**6 * math.log2(1 + sinr), abs=1)
    assert sinr_db(10.0, 0.2) == pytest.approx(10 * math.log10(sinr))


def test_outage_over_slow_rayleigh_at_the_average_rate(draws: torch.Generator) -> None:
    """P(|h|^2 < 1) = 1 - 1/e, at any SNR."""
    channel = Rayleigh("image")
    layer = DigitalLayer(b"message", Ideal().plan(1, channel, 7.0))
    encoded = Encoded(torch.zeros(5000, 0, dtype=torch.complex64), ((layer,),) * 5000)
    received = send_over(channel, encoded, torch.full((5000,), 7.0), draws)
    assert sum(data is not None for (data,) in received.digital) / 5000 == pytest.approx(math.exp(-1), abs=0.02)


def test_learned_and_digital_meet_the_same_gains(images: torch.Tensor) -> None:
    channel, met = Rayleigh("image"), []
    draw = channel.draw_gain

    def watched(*args: object, **options: object) -> torch.Tensor:
        met.append(draw(*args, **options))
        return met[-1]

    channel.draw_gain = watched  # type: ignore[method-assign]
    for name in ("linear", "jpeg2000+ideal"):
        system = make_system(name, channel, bandwidth_ratio=1 / 6).system
        system.transmit(images, _snr(10, 10), generator=torch.Generator().manual_seed(5))
    assert torch.equal(met[0], met[1])


def test_transmission_alone_or_in_company(images: torch.Tensor) -> None:
    """Without noise an image's result does not depend on its neighbours."""
    link = Link(load("linear"), AWGN(), bandwidth_ratio=1 / 8)
    together = link.transmit(images, _snr(math.inf, math.inf)).images
    alone = link.transmit(images[1:], _snr(math.inf)).images
    assert torch.allclose(together[1:], alone, atol=1e-5)


def test_equal_generators_give_equal_pictures(images: torch.Tensor) -> None:
    link = Link(load("linear"), Rayleigh("symbol"), bandwidth_ratio=1 / 8)
    first, second = (link.transmit(images, _snr(3, 3), generator=torch.Generator().manual_seed(9)) for _ in range(2))
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize("snr_db", [-math.inf, -300.0, -20.0, 60.0, math.inf])
def test_extreme_snrs(images: torch.Tensor, snr_db: float) -> None:
    for name in ("linear", "universal-s", "jpeg2000+ideal"):
        sent = make_system(name, AWGN(), bandwidth_ratio=1 / 6).system.transmit(images, _snr(snr_db, snr_db))
        assert sent.images.isfinite().all()


@pytest.mark.parametrize("channel", [AWGN(), Rayleigh("image"), Rayleigh("symbol")])
@pytest.mark.parametrize(
    ("model", "height", "width", "ratio"),
    [
        ("linear", 200, 300, 1 / 8),
        ("linear", 123, 211, 1 / 7.3),
        ("linear", 97, 64, 1 / 2),
        ("linear", 50, 70, 1 / 96),
        ("universal-s", 383, 211, 1 / 8),
    ],
)
def test_strips_give_the_result_of_one_piece(
    coffee: torch.Tensor,
    channel: AWGN,
    model: str,
    height: int,
    width: int,
    ratio: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = Link(load(model), channel, bandwidth_ratio=ratio)
    image = coffee[:, :height, :width].contiguous()
    whole = link.transmit(to_float(image), _snr(6.0), generator=torch.Generator().manual_seed(3))
    monkeypatch.setattr("deepjscc.models.block_code.tiling.STRIP_PIXELS", 5000)
    monkeypatch.setattr("deepjscc.models.block_code.tiling.HALOS", 0)
    strips, uses = transmit_picture(link, to_picture(image), _snr(6.0), generator=torch.Generator().manual_seed(3))
    difference = (to_8bit(whole.images)[0].int() - from_picture(strips).int()).abs()
    assert uses == int(whole.channel_uses)
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 1e-3


def test_strips_refuse_what_they_cannot_do() -> None:
    picture = Image.new("RGB", (32, 32))
    with pytest.raises(UsageError, match="linear"):
        transmit_picture(Link(Cnn(filters=4), AWGN()), picture, _snr(6.0))


def test_names_that_cannot_be_are_refused() -> None:
    for name, words in {
        "nothing": "unknown model",
        "jpeg": r"jpeg\+ideal",
        "gif+ideal": "unknown codec",
        "jpeg+turbo": "unknown channel coding",
        "jpeg+ideal@loud": "not an SNR",
        "jpeg+ideal@nan": "not an SNR",
    }.items():
        with pytest.raises(UsageError, match=words):
            make_system(name, AWGN())
    with pytest.raises(DeepJSCCError, match="no such file"):
        make_system("absent.safetensors", AWGN())
    assert parse_coding("ideal@-2.5dB") == Ideal(-2.5)


def test_every_codec_forms_a_system(images: torch.Tensor) -> None:
    for name in CODECS:
        if name in ("vvc", "bpg"):  # programs, run in tests/digital
            continue
        link = Link(Digital(CODECS[name](), AWGN()), AWGN(), bandwidth_ratio=1 / 3)
        assert link.transmit(images[:1], _snr(20.0)).delivered.all()


@pytest.mark.parametrize("scale", [255.0, -1.0])
def test_images_of_another_range_are_refused(images: torch.Tensor, scale: float) -> None:
    link = Link(load("linear"), AWGN(), bandwidth_ratio=1 / 8)
    with pytest.raises(UsageError, match=r"must be in \[0, 1\]"):
        link.transmit(scale * images, _snr(5.0, 5.0))
