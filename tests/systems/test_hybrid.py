"""The hybrid: which layers arrive where, what each is worth, and that its symbols alone carry it."""

import math

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.systems.names import make_system
from deepjscc.systems.transceivers import load_transceiver
from deepjscc.types import LinkPlan, Received, Transmission

RATIO = 1 / 6


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    from deepjscc.data.samples import sample_path
    from deepjscc.images import read_image

    return to_float(read_image(sample_path("coffee"))[:, 60:252, 150:406])


def send(
    name: str, images: torch.Tensor, design_snr_db: float, snr_db: float, ratio: float = RATIO, **options: bool
) -> Transmission:
    system = make_system(name, AWGN(), bandwidth_ratio=ratio, **options).system
    draws, design = torch.Generator().manual_seed(0), torch.full((len(images),), design_snr_db)
    return system.transmit(images, torch.full((len(images),), snr_db), encoder_snr_db=design, generator=draws)


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_at_the_design_snr_it_comes_close_to_the_digital_control(images: torch.Tensor, snr_db: float) -> None:
    """The coarse layer costs 1.8% of the uses; the analog layer next to nothing."""
    hybrid, digital = (send(name, images, snr_db, snr_db) for name in ("jpeg2000+ideal+hybrid", "jpeg2000+ideal"))
    assert psnr(images, hybrid.images).item() > psnr(images, digital.images).item() - 0.45
    assert hybrid.channel_uses.item() <= math.floor(images.numel() * RATIO)
    assert hybrid.channel_uses.item() > 0.99 * images.numel() * RATIO
    assert hybrid.layers[0][0] == "base"


def test_above_the_design_snr_it_gains_and_below_the_coarse_layer_is_shown(images: torch.Tensor) -> None:
    found = {snr: send("jpeg2000+ideal+hybrid", images, 10.0, snr) for snr in (-12.0, 2.0, 10.0, 13.0, 20.0)}
    quality = {snr: psnr(images, sent.images).item() for snr, sent in found.items()}
    assert quality[13.0] > quality[10.0] + 0.5
    assert quality[20.0] > quality[13.0] + 1.0
    assert [found[snr].layers[0] for snr in (-12.0, 2.0)] == [(), ("coarse",)]
    assert [bool(found[snr].delivered) for snr in (-12.0, 2.0)] == [False, True]
    outage = images.mean((2, 3), keepdim=True).expand_as(images)
    assert torch.allclose(found[-12.0].images, outage, atol=1e-6)
    assert quality[2.0] > psnr(images, outage).item() + 2


def test_without_a_floor_there_is_no_coarse_layer(images: torch.Tensor) -> None:
    assert not send("jpeg2000+ideal+hybrid@floor=0", images, 10.0, 2.0).delivered.any()
    transmitter = make_system("jpeg2000+ideal+hybrid@floor=0@share=0", AWGN(), bandwidth_ratio=RATIO).system
    encoded = transmitter.encode(images, torch.tensor([10.0]))
    assert [layer.name for layer in encoded.digital[0]] == ["header", "base"]
    assert encoded.analog_share == (0.0,)


@pytest.mark.parametrize(
    ("design_snr_db", "snr_db", "layers"),
    [
        (10.0, 10.0, ("base", "analog")),
        (10.0, 16.0, ("base", "analog")),
        (10.0, 1.0, ("coarse",)),
        (5.0, 25.0, ("base", "analog")),  # the long header's first symbols hold the short one
    ],
)
def test_every_bit_by_symbols_alone(
    images: torch.Tensor, design_snr_db: float, snr_db: float, layers: tuple[str, ...]
) -> None:
    """What is looked up and what is really decoded are the same picture, at, above and below the design SNR."""
    table = send("jpeg2000+ldpc-fine+hybrid", images, design_snr_db, snr_db)
    real = send("jpeg2000+ldpc-fine+hybrid", images, design_snr_db, snr_db, simulate=True)
    assert table.layers == real.layers == (layers,)
    assert psnr(images, real.images).item() == pytest.approx(psnr(images, table.images).item(), abs=0.15)
    assert real.channel_uses.item() <= math.floor(images.numel() * RATIO)


def test_a_base_that_failed_is_never_shown(images: torch.Tensor) -> None:
    """A decibel under the design SNR the base of a real code is lost; the picture is the coarse one, not noise."""
    real = send("jpeg2000+ldpc-fine+hybrid", images, 10.0, 8.5, simulate=True)
    assert real.layers == (("coarse",),)
    assert psnr(images, real.images).item() > 15


def test_a_base_of_another_size_is_refused(images: torch.Tensor) -> None:
    waveform = load_transceiver("jpeg2000+ldpc-fine+hybrid")
    hybrid, plan = waveform.hybrid, LinkPlan(torch.tensor([10.0]), RATIO)
    sent = hybrid.encode(images, plan)
    received = Received(
        sent.symbols,
        torch.full(sent.symbols.shape, 0.1),
        None,
        plan.design_snr_db,
        (tuple(layer.data for layer in sent.digital[0]),),
    )
    assert hybrid.receive(received, (192, 256)).images.shape == images.shape
    with pytest.raises(DeepJSCCError, match="another size"):
        hybrid.receive(received, (192, 255))


def test_a_budget_too_small_for_any_base_is_sent_by_the_analog_code(images: torch.Tensor) -> None:
    small = images[:, :, :32, :32]
    sent = send("jpeg2000+ideal+hybrid", small, -5.0, -5.0, 1 / 12)
    assert sent.layers == (("analog",),)
    assert sent.images.isfinite().all()
    with pytest.raises(UsageError, match="too small for the digital base"):
        send("jpeg2000+ldpc-fine+hybrid", small, -5.0, -5.0, 1 / 12, simulate=True)


@pytest.mark.parametrize("ratio", [1 / 96, 1 / 12, 1 / 4])
def test_small_images_take_no_more_than_they_are_granted(images: torch.Tensor, ratio: float) -> None:
    for side, snr_db in ((16, 10.0), (32, 10.0), (48, -5.0), (48, 20.0)):
        small = images[:, :, :side, :side]
        for name in ("jpeg2000+ldpc-fine+hybrid", "jpeg2000+ideal+hybrid"):
            sent = send(name, small, snr_db, snr_db, ratio)
            least = send("linear", small, snr_db, snr_db, ratio).channel_uses.item()  # of the smallest it is a header
            header = 24 if snr_db >= 10 else 192
            assert sent.channel_uses.item() <= max(math.floor(small.numel() * ratio), least + header)


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (64, 64)])
@pytest.mark.parametrize("snr_db", [-20.0, 10.0, 60.0, math.inf])
def test_any_size_and_snr(size: tuple[int, int], snr_db: float) -> None:
    pictures = [torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)), torch.full((1, 3, *size), 0.3)]
    for one in pictures:
        sent = send("jpeg2000+ideal+hybrid", one, snr_db, snr_db, 1 / 2)
        assert sent.images.isfinite().all()
        assert sent.images.shape == one.shape


def test_images_of_a_batch_may_have_different_designs(images: torch.Tensor) -> None:
    batch, design = images.repeat(2, 1, 1, 1), torch.tensor([0.0, 15.0])
    system = make_system("jpeg2000+ideal+hybrid", AWGN(), bandwidth_ratio=RATIO).system
    draws = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    together = system.transmit(batch, design, generator=draws).images
    alone = system.transmit(batch[1:], design[1:], generator=torch.Generator().manual_seed(2)).images
    assert torch.allclose(together[1:], alone, atol=1e-5)


def test_over_slow_fading_the_base_is_lost_in_deep_fades(images: torch.Tensor) -> None:
    system = make_system("jpeg2000+ideal+hybrid", Rayleigh("image"), bandwidth_ratio=RATIO).system
    encoded, snr_db = system.encode(images, torch.tensor([15.0])), torch.tensor([15.0])
    draws = torch.Generator().manual_seed(0)
    found = [system.deliver(encoded, images, snr_db, draws) for _ in range(12)]
    assert len({sent.layers for sent in found}) >= 2
    assert all(sent.images.isfinite().all() for sent in found)
    known = make_system("jpeg2000+ideal+hybrid", AWGN(), bandwidth_ratio=RATIO).system
    base, planned = (one.digital[0][-1].code.rate for one in (known.encode(images, snr_db), encoded))
    assert planned < 0.8 * base  # the base is planned for a fade


def test_a_range_of_snrs_is_planned_for_by_expected_psnr(images: torch.Tensor) -> None:
    """Planned for 10 dB the base is lost at 6 dB; planned for 10±6 dB the mean PSNR over the range is higher."""
    name, snrs_db = "jpeg2000+ideal+hybrid", torch.linspace(4, 16, 7)
    known, ranged = (make_system(name, AWGN(), bandwidth_ratio=RATIO, snr_spread_db=one) for one in (0.0, 6.0))
    assert ranged.name == "jpeg2000+ideal+hybrid, ±6 dB"
    mean = {}
    for named in (known, ranged):
        encoded = named.system.encode(images, torch.tensor([10.0]))
        sent = [named.system.deliver(encoded, images, snr_db[None], torch.Generator()) for snr_db in snrs_db]
        mean[named.name] = sum(psnr(images, one.images).item() for one in sent) / len(sent)
    assert mean[ranged.name] > mean[known.name] + 2


def test_names_and_their_options(images: torch.Tensor) -> None:
    fixed = make_system("jpeg2000+ideal@10dB+hybrid", AWGN(), bandwidth_ratio=RATIO).system
    free = make_system("jpeg2000+ideal+hybrid", AWGN(), bandwidth_ratio=RATIO).system
    one, other = fixed.encode(images, torch.tensor([3.0])), free.encode(images, torch.tensor([10.0]))
    assert torch.equal(one.symbols, other.symbols)
    for wrong, words in {
        "jpeg2000+hybrid": "CODEC[+]CODING[+]hybrid",
        "gif+ideal+hybrid": "unknown codec",
        "jpeg2000+ideal+hybrid@loud=3": "the options of a hybrid are",
        "jpeg2000+ideal+hybrid@share=0.9": "of the power",
        "jpeg2000+ideal+hybrid@floor=-3": "from 0 to 40 dB",
    }.items():
        with pytest.raises(UsageError, match=words):
            make_system(wrong, AWGN(), bandwidth_ratio=RATIO)
    with pytest.raises(UsageError, match="has no symbols"):
        load_transceiver("jpeg2000+ideal")
    with pytest.raises(UsageError, match="its channel code is only a bound"):
        load_transceiver("jpeg2000+ideal+hybrid")


@pytest.mark.parametrize(("name", "snr_db"), [("@share=0", 10.0), ("@share=0.1", 10.0), ("@share=0.1", 16.0)])
def test_the_receiver_estimates_the_psnr_it_has(images: torch.Tensor, name: str, snr_db: float) -> None:
    """By the posterior variances of the analog layer; a base alone tells its own."""
    sent = send(f"jpeg2000+ideal+hybrid{name}", images, 10.0, snr_db)
    assert sent.layers == ((("base",) if name == "@share=0" else ("base", "analog")),)
    assert sent.estimated_psnr_db[0] == pytest.approx(psnr(images, sent.images).item(), abs=0.4)


def test_the_receiver_of_a_coarse_layer_knows_no_psnr(images: torch.Tensor) -> None:
    assert send("jpeg2000+ideal+hybrid", images, 10.0, 2.0).estimated_psnr_db == (None,)
