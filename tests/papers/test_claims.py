"""Verdicts against margins of a known distance from zero; standard errors against a bootstrap."""

import numpy as np
import pytest

from deepjscc.papers.claims import Verdict, above, below, judge, mean_margin, pooled_margin, within


def test_a_margin_within_two_standard_errors_of_zero_is_undecided() -> None:
    assert judge([(-0.52, 0.78)]) is Verdict.UNDECIDED
    assert judge([(0.04, 0.24)]) is Verdict.UNDECIDED
    assert judge([(0.0, 0.0)]) is Verdict.UNDECIDED
    assert judge([(0.5, 0.25)]) is Verdict.HOLDS
    assert judge([(-0.5, 0.25)]) is Verdict.FAILS


def test_a_claim_of_several_parts_is_as_sure_as_its_weakest() -> None:
    assert judge([(1.0, 0.1), (0.1, 0.1)]) is Verdict.UNDECIDED
    assert judge([(1.0, 0.1), (0.1, 0.1), (-1.0, 0.1)]) is Verdict.FAILS
    assert judge([]) is Verdict.NONE


def test_limits_move_the_margins() -> None:
    assert judge(above(13.0, [(13.5, 0.1)])) is Verdict.HOLDS
    assert judge(below(2.0, [(2.05, 0.1)])) is Verdict.UNDECIDED
    assert judge(within(0.3, [(-0.29, 0.1), (0.0, 0.1)])) is Verdict.UNDECIDED
    assert judge(within(0.3, [(-0.9, 0.1)])) is Verdict.FAILS


def test_a_single_image_decides_nothing() -> None:
    value, error = mean_margin([3.0])
    assert (value, error) == (3.0, float("inf"))
    assert judge([(value, error)]) is Verdict.UNDECIDED


def test_pooled_differences_and_their_errors() -> None:
    """A tenth less error on every image is 0.46 dB, surely; noise between images that cancels has no part in it."""
    before = np.linspace(1e-3, 1e-2, 50)
    step, error = pooled_margin([before, 0.9 * before])
    assert step == pytest.approx(0.4576, abs=1e-3)
    assert error == pytest.approx(0, abs=1e-9)
    noisy = before * np.where(np.arange(50) % 2, 0.8, 1.0)
    assert pooled_margin([before, noisy])[1] > 0.05


def test_the_standard_error_of_pooled_psnr_is_that_of_a_bootstrap() -> None:
    draws = np.random.default_rng(0)
    before, ratio = draws.gamma(2.0, 1e-3, 400), draws.uniform(0.5, 1.0, 400)
    errors = [before, before * ratio]
    _, error = pooled_margin(errors)
    chosen = draws.integers(400, size=(2000, 400))
    pooled = [-10 * np.log10(each[chosen].mean(1)) for each in errors]
    assert error == pytest.approx((pooled[1] - pooled[0]).std(), rel=0.1)
