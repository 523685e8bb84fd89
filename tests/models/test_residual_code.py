"""The analog layer of a hybrid: against theory, between its two ends, and on pictures of every size."""

import io
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepjscc.errors import UsageError
from deepjscc.images import from_picture, to_picture
from deepjscc.models.block_code import tiling
from deepjscc.models.block_code.header import Header
from deepjscc.models.residual_code import ResidualCode, levels
from deepjscc.models.residual_code import features as features_module
from deepjscc.models.residual_code.classes import ClassTree
from deepjscc.models.residual_code.code import rank_in_class
from deepjscc.models.residual_code.features import block_features
from deepjscc.models.residual_code.stream import expected_squared_error, plan_stream
from deepjscc.models.residual_code.transform import band_of_coefficients, block_transform, from_blocks, to_blocks
from deepjscc.zoo import load_residual_code


@pytest.fixture(scope="module")
def code() -> ResidualCode:
    return load_residual_code("hybrid-analog")


def _base(image: torch.Tensor, quality: int = 20) -> torch.Tensor:
    """A JPEG of the picture: none of the codecs that the code was fitted to."""
    file = io.BytesIO()
    to_picture(image).save(file, "JPEG", quality=quality)
    return from_picture(Image.open(file).convert("RGB"))


def _residual(image: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    return (image.float() - base.float()) / 255


def _noise(uses: int, variance: float, draws: torch.Generator) -> torch.Tensor:
    return torch.view_as_complex(torch.randn(uses, 2, generator=draws) * math.sqrt(variance / 2))


def test_the_transform_is_orthonormal_and_begins_with_the_mean() -> None:
    transform = block_transform(8).double()
    assert (transform @ transform.T - torch.eye(192)).abs().max() < 1e-6
    assert transform[0].allclose(torch.full((192,), 192**-0.5, dtype=torch.float64))
    bands = band_of_coefficients(8)
    assert bands[0] == 0
    assert len(bands.unique()) == 12


def test_blocks_and_back() -> None:
    picture = torch.rand(3, 16, 24)
    blocks = to_blocks(picture, 8)
    assert blocks.shape == (6, 192)
    assert blocks[1, :8].equal(picture[0, 0, 8:16])
    assert from_blocks(blocks, 8, 3).equal(picture)


def test_the_first_splits_of_a_tree_are_groups_of_its_leaves() -> None:
    tree = ClassTree(4)
    tree.leaf.copy_(torch.tensor([0, 1, 0]))
    tree.feature.copy_(torch.tensor([0, 1, 1]))
    tree.threshold.copy_(torch.tensor([10, 5, 2]))
    features = torch.tensor([[10, 2], [10, 3], [11, 5], [11, 6]], dtype=torch.int32)
    assert tree(features).tolist() == [0, 3, 1, 2]
    assert tree.groups(2).tolist() == [0, 1, 1, 0]
    assert tree.groups(1).tolist() == [0, 0, 0, 0]


def test_rank_counts_blocks_of_the_same_class() -> None:
    assert rank_in_class(torch.tensor([2, 0, 2, 1, 0, 2]), 3).tolist() == [0, 0, 1, 0, 1, 2]


def test_powers_are_the_minimum_of_the_error() -> None:
    """No small exchange of power between two coefficients lowers the error of theory."""
    variances = torch.tensor([[9.0, 1.0, 0.2], [4.0, 0.5, 0.01]]).double()
    counts, reals, noise = torch.tensor([3, 5]), 20, 0.4
    plan = plan_stream(counts, variances, reals, noise)
    power = plan.scale.square() * variances
    assert float((power * plan.sent).sum()) == pytest.approx(reals)
    assert plan.sent.sum() == reals
    assert plan.sent.tolist() == [[3, 3, 3], [5, 5, 1]]
    error = lambda power: float((plan.sent * variances * noise / (power + noise)).sum())  # noqa: E731
    for gains in ((0, 0), (0, 1), (1, 0), (1, 1)):
        for loses in ((0, 0), (0, 1), (1, 0), (1, 1)):
            moved = power.clone()
            moved[gains] += 1e-3 / plan.sent[gains]
            moved[loses] -= min(1e-3, float(power[loses])) / plan.sent[loses]
            assert (moved * plan.sent).sum() > reals + 1e-9 or error(moved) >= error(power) - 1e-9


def test_places_are_a_permutation_in_falling_order_of_variance() -> None:
    variances = torch.rand(3, 4, generator=torch.Generator().manual_seed(1)).double() + 0.1
    classes = torch.tensor([0, 1, 1, 2, 0, 1])
    plan = plan_stream(torch.bincount(classes), variances, 24, 0.1)
    places = plan.start[classes] + rank_in_class(classes, 3)[:, None]
    assert places.flatten().sort().values.tolist() == list(range(24))
    ordered = variances[classes].flatten()[places.flatten().argsort()]
    assert (ordered.diff() <= 0).all()


def test_expected_error_is_the_theory_on_gaussian_coefficients() -> None:
    variances, counts, noise = torch.tensor([[4.0, 1.0]]).double(), torch.tensor([100]), 0.5
    plan = plan_stream(counts, variances, 200, noise)
    power = plan.scale.square() * variances
    theory = (counts[0] * variances * noise / (power + noise)).sum()
    measured = expected_squared_error(plan, variances * 100, counts, variances, noise)
    assert measured == pytest.approx(float(theory))


def test_levels_survive_their_bytes() -> None:
    frequency = torch.zeros(12, 25)
    blocks = torch.tensor([100, 3, 50])
    corrections = torch.randint(-12, 13, (3, 12), generator=torch.Generator().manual_seed(0))
    corrections[1] = 0
    data = levels.pack(levels.Levels(33, corrections), blocks, frequency)
    assert 10 < len(data) < 20
    again = levels.unpack(data, blocks, frequency)
    assert again.quality == 33
    assert again.corrections.equal(corrections)
    assert levels.pack(levels.Levels(33, corrections * 0), blocks * 0, frequency) == bytes([33])


def test_damaged_levels_are_an_error() -> None:
    for data in (b"", b"\xff"):
        with pytest.raises(UsageError, match="damaged"):
            levels.quality_in(data)


def test_qualities_are_half_octaves() -> None:
    assert levels.quality_of(1.0) == 20
    assert levels.quality_of(2.0) == 22
    assert levels.quality_of(0.0) == 0
    assert levels.log_mean_square(22) == levels.STEPS_PER_OCTAVE


def test_features_do_not_depend_on_the_strips(monkeypatch: pytest.MonkeyPatch, coffee: torch.Tensor) -> None:
    base = coffee
    whole = block_features(base, 8)
    assert whole.dtype == torch.int32
    assert whole.shape == (math.prod(-(-s // 16) * 2 for s in base.shape[1:]), 15)
    monkeypatch.setattr(features_module, "STRIP_PIXELS", 1)
    assert block_features(base, 8).equal(whole)


def test_closed_form_error_is_what_is_measured(code: ResidualCode, coffee: torch.Tensor) -> None:
    """Within 0.05 dB at several SNRs, and the base's own error without any use."""
    image = coffee
    base = _base(image)
    residual, draws = _residual(image, base), torch.Generator().manual_seed(0)
    statistics = code.describe(residual, base)
    own = float(residual.square().mean())
    assert code.expected_error(statistics, 0, 1.0) == pytest.approx(
        own, rel=0.02
    )  # the picture's padding counts in one
    uses = residual.numel() // 8
    for snr_db in (-5.0, 0.0, 10.0):
        noise = 10 ** (-snr_db / 10)
        sent = code.modulate(residual, base, statistics, uses, snr_db)
        received = sent.symbols + _noise(uses, noise, draws)
        got = code.estimate(received, torch.full((uses,), noise), base, statistics.side_info, sent.gain, snr_db)
        error = float((got.residual - residual).square().mean())
        expected = code.expected_error(statistics, 2 * uses, 1 / noise)
        assert 10 * math.log10(error / expected) == pytest.approx(0, abs=0.05)
        assert error < own
        better = code.expected_error(statistics, 2 * uses, 10 / noise, 1 / noise)
        assert code.expected_error(statistics, 2 * uses, 10 / noise) <= better < expected
        assert float(got.error_variance.mean()) == pytest.approx(error, rel=0.25)


def test_noise_of_each_symbol_counts(code: ResidualCode, coffee: torch.Tensor) -> None:
    """Symbols that are known to be lost do less harm than noise that nobody knows of."""
    image = coffee
    base = _base(image)
    residual, uses = _residual(image, base), 20_000
    statistics = code.describe(residual, base)
    sent = code.modulate(residual, base, statistics, uses, 5.0)
    noise = torch.full((uses,), 10**-0.5)
    noise[::4] = 100.0
    received = sent.symbols + _noise(uses, 1.0, torch.Generator().manual_seed(0)) * noise.sqrt()
    errors = [
        float(
            (code.estimate(received, told, base, statistics.side_info, sent.gain, 5.0).residual - residual)
            .square()
            .mean()
        )
        for told in (noise, torch.full_like(noise, 10**-0.5))
    ]
    assert errors[0] < float(residual.square().mean()) < errors[1]


@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), uses=st.integers(1, 400), seed=st.integers(0, 99))
def test_any_size_and_number_of_uses(code: ResidualCode, height: int, width: int, uses: int, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=draws)
    base = (image // 32 * 32 + 16).to(torch.uint8)
    residual = _residual(image, base)
    statistics = code.describe(residual, base)
    sent = code.modulate(residual, base, statistics, uses, 10.0)
    assert sent.symbols.shape == (uses,)
    assert float(sent.symbols.abs().square().mean()) == pytest.approx(1.0, rel=1e-4)
    assert sent.gain == Header(0, sent.gain_index).gain
    got = code.estimate(sent.symbols, torch.full((uses,), 1e-6), base, statistics.side_info, sent.gain, 10.0)
    assert got.residual.shape == residual.shape
    assert got.residual.isfinite().all()


def test_without_a_residual_nothing_is_sent(code: ResidualCode) -> None:
    base = torch.full((3, 20, 20), 7, dtype=torch.uint8)
    statistics = code.describe(torch.zeros(3, 20, 20), base)
    sent = code.modulate(torch.zeros(3, 20, 20), base, statistics, 50, 10.0)
    assert not sent.symbols.abs().any()
    assert sent.gain == 1.0
    got = code.estimate(sent.symbols, torch.ones(50), base, statistics.side_info, sent.gain, 10.0)
    assert not got.residual.any()


def test_a_large_picture_in_strips_is_the_same(
    code: ResidualCode, coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = coffee
    base = _base(image)
    residual = _residual(image, base)
    whole = code.modulate(residual, base, code.describe(residual, base), 5000, 0.0)
    monkeypatch.setattr(tiling, "STRIP_PIXELS", 1)
    strips = code.modulate(residual, base, code.describe(residual, base), 5000, 0.0)
    assert strips.symbols.allclose(whole.symbols, atol=1e-4)


def test_blocks_of_other_sides_are_refused() -> None:
    with pytest.raises(UsageError, match="4, 8 or 16"):
        ResidualCode(block=5)


def test_without_noise_the_residual_comes_back_whatever_its_gain(code: ResidualCode, coffee: torch.Tensor) -> None:
    """All coefficients are sent: a residual that is weaker than the levels say comes back at its own scale."""
    image = coffee[:, :64, :96].contiguous()
    base = _base(image)
    residual = _residual(image, base)
    statistics, uses, snr_db = code.describe(residual, base), 3 * 64 * 96 // 2, 60.0
    for scale in (0.5, 1.0, 2.0):
        modulated = code.modulate(scale * residual, base, statistics, uses, snr_db)
        noise = torch.full((uses,), 1e-6)
        estimate = code.estimate(modulated.symbols, noise, base, statistics.side_info, modulated.gain, snr_db)
        left = (estimate.residual - scale * residual).square().mean() / (scale * residual).square().mean()
        assert left < 1e-3
