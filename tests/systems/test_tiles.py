"""Large pictures as tiles: every pixel once, every use counted, one gain for all, bounded by what a tile needs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.evaluation import single
from deepjscc.images import from_picture, to_float
from deepjscc.metrics import psnr
from deepjscc.systems import tiles
from deepjscc.systems.names import make_system
from deepjscc.systems.tiles import TILE_SIDE, tile_boxes, tile_ratios, tile_weights, transmit_tiles

SNR = torch.tensor([10.0])


@given(st.integers(1, 9000), st.integers(1, 3000))
def test_tiles_cover_every_pixel_once(height: int, width: int) -> None:
    boxes = tile_boxes((height, width))
    assert sum((box.bottom - box.top) * (box.right - box.left) for box in boxes) == height * width
    assert all(0 < box.bottom - box.top <= TILE_SIDE and 0 < box.right - box.left <= TILE_SIDE for box in boxes)
    assert max(box.bottom for box in boxes) == height
    assert max(box.right for box in boxes) == width


def test_uneven_tiles_share_the_uses_by_what_they_need(coffee: torch.Tensor) -> None:
    flat = Image.new("RGB", (1500, 100), (90, 80, 70))
    flat.paste(Image.fromarray(coffee[:, 100:200, 100:500].permute(1, 2, 0).numpy()), (900, 0))
    boxes = tile_boxes((100, 1500))
    weights = tile_weights(flat, boxes, 20_000.0)
    ratios = list(tile_ratios(weights, boxes, 50_000))
    uses = [round(ratio * box.values) for ratio, box in zip(ratios, boxes, strict=True)]
    assert sum(uses) <= 50_000
    assert uses[1] > 4 * uses[0]


@pytest.fixture
def picture(monkeypatch: pytest.MonkeyPatch, coffee: torch.Tensor) -> Image.Image:
    monkeypatch.setattr(tiles, "TILE_SIDE", 96)
    return Image.fromarray(coffee[:, 100:260, 150:400].permute(1, 2, 0).numpy())


def test_tiles_arrive_like_the_whole_picture(picture: Image.Image) -> None:
    system = make_system("jpeg2000+ideal+hybrid", AWGN(), bandwidth_ratio=1 / 6).system
    sent = transmit_tiles(system, picture, SNR, generator=torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    image, received = to_float(from_picture(picture)), to_float(from_picture(sent.picture))
    whole = system.transmit(image, SNR, generator=torch.Generator().manual_seed(0))
    assert psnr(image, received).item() > psnr(image, whole.images).item() - 2.5  # tiles of 96 pixels
    assert 0.98 * image.numel() / 6 < sent.channel_uses <= image.numel() / 6
    assert sent.delivered
    assert sent.layers is not None
    assert sent.layers.startswith("base")


def test_under_slow_fading_all_tiles_meet_one_gain(picture: Image.Image) -> None:
    system = make_system("jpeg2000+ideal@10dB", Rayleigh("image"), bandwidth_ratio=1 / 6).system
    for seed in range(6):
        sent = transmit_tiles(system, picture, SNR, generator=torch.Generator().manual_seed(seed))  # type: ignore[arg-type]
        lost = np.ptp(np.asarray(sent.picture).reshape(-1, 3), 0).max() == 0
        assert lost == (not sent.delivered)  # all tiles or none


def test_send_takes_tiles_for_large_pictures(picture: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "LARGE_PIXELS", 20_000)
    system = make_system("jpeg2000+ideal+hybrid", AWGN(), bandwidth_ratio=1 / 6)
    outcome = single.send_image(picture, system, 5.0, encoder_snr_db=10.0)
    assert (outcome.delivered, outcome.ms_ssim) == (True, None)
    assert outcome.layers is not None
    assert outcome.layers.startswith("coarse")
    assert outcome.bandwidth_ratio == pytest.approx(1 / 6, rel=0.02)
