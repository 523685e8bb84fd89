"""Rate curves: through measured points, monotone, right between them, and without many codings."""

import math

import pytest
import torch

from deepjscc.digital.codecs import CODECS
from deepjscc.digital.codecs.rate_curve import OctaveCurves, RateCurve, rate_curve
from deepjscc.errors import UsageError


def test_a_curve_is_linear_in_logarithms_and_inverts() -> None:
    curve = RateCurve((1000, 4000, 16_000), (400.0, 100.0, 12.5))
    assert curve.mse_at(4000) == pytest.approx(100)
    assert curve.mse_at(2000) == pytest.approx(200)
    assert curve.mse_at(500) == pytest.approx(800)
    assert curve.mse_at(64_000) == pytest.approx(12.5 / 8)
    assert curve.psnr_db(4000) == pytest.approx(20 * math.log10(25.5))
    for budget in (10, 900, 4000, 5000, 10**6):
        assert curve.bytes_at(curve.mse_at(budget)) == pytest.approx(budget)


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000", "webp", "avif", "hevc"])
def test_a_curve_predicts_what_a_budget_gives(name: str, coffee: torch.Tensor) -> None:
    image = coffee[:, 100:228, 200:392].contiguous()
    codec = CODECS[name](container=False)
    curve = rate_curve(codec, image, 1000, 9000)
    assert curve is not None
    assert list(curve.bytes) == sorted(set(curve.bytes))
    assert list(curve.mse) == sorted(set(curve.mse), reverse=True)
    for budget in (1500, 4000, 7000):
        data = codec.encode(image, budget)
        assert data is not None
        error = (codec.decode(data).float() - image.float()).square().mean().item()
        assert abs(curve.psnr_db(codec.counted_bytes(data)) - 10 * math.log10(255**2 / error)) < 0.6


def test_few_codings_make_a_curve_and_few_more_a_budget(coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    image = coffee[:, 100:228, 200:392].contiguous()
    codec = CODECS["hevc"]()
    coded = []
    compress = codec.compress
    monkeypatch.setattr(codec, "compress", lambda *given: (coded.append(given[1]), compress(*given))[1])
    curve = rate_curve(codec, image, 1000, 9000)
    assert curve is not None
    assert len(coded) <= 3
    codec.encode(image, 9000)
    assert len(coded) <= 5


def test_no_curve_where_nothing_fits_and_one_from_one_point(coffee: torch.Tensor) -> None:
    image = coffee[:, :64, :64].contiguous()
    assert rate_curve(CODECS["jpeg"](), image, 1, 20) is None
    curve = rate_curve(CODECS["jpeg"](), image, 2000, 2000)
    assert curve is not None
    assert curve.mse_at(4000) < curve.mse_at(2000)
    with pytest.raises(UsageError, match="not 5 and 2"):
        rate_curve(CODECS["jpeg"](), image, 5, 2)


@pytest.mark.parametrize("value", [0, 128])
def test_constant_pictures_have_curves(value: int) -> None:
    image = torch.full((3, 40, 40), value, dtype=torch.uint8)
    for name in ("webp", "hevc"):
        curve = rate_curve(CODECS[name](), image)
        assert curve is None or curve.mse_at(1000) < 10


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000"])
def test_octaves_predict_any_budget_from_codings_near_it(name: str, coffee: torch.Tensor) -> None:
    image, codec = coffee[:, 100:228, 200:392].contiguous(), CODECS[name](container=False)
    curves = OctaveCurves(codec, image)
    for budget in (1500, 2000, 6000):
        data, expected = codec.encode(image, budget), curves.mse_at(budget)
        assert data is not None
        assert expected is not None
        error = (codec.decode(data).float() - image.float()).square().mean().item()
        assert abs(10 * math.log10(expected / error)) < 0.35


def test_octaves_end_where_codings_do(coffee: torch.Tensor) -> None:
    image = coffee[:, 100:228, 200:392].contiguous()
    curves = OctaveCurves(CODECS["jpeg"](), image)
    assert curves.mse_at(0) is None
    assert curves.mse_at(20) is None
    largest = curves.mse_at(10**6)
    assert largest == curves.mse_at(900_000)
    assert largest is not None
    assert largest > 0
