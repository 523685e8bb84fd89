import math

import pytest
import torch

from deepjscc.errors import UsageError
from deepjscc.units import awgn_capacity, from_db, noise_variance, parse_ratio, parse_snr_list


def test_decibels() -> None:
    assert from_db(torch.tensor([0.0, 10.0, -3.0103])).tolist() == pytest.approx([1, 10, 0.5], rel=1e-5)


def test_noise_variance_of_known_snrs() -> None:
    n0 = noise_variance(torch.tensor([0.0, 10.0, -10.0, math.inf, -math.inf]))
    assert n0[:3].tolist() == pytest.approx([1, 0.1, 10], rel=1e-6)
    assert n0[3] == 0
    assert n0[4].isfinite()


def test_capacity_is_shannons() -> None:
    assert awgn_capacity(torch.tensor([0.0, 10 * math.log10(3)])).tolist() == pytest.approx([1, 2], rel=1e-6)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3", [3]),
        ("-5", [-5]),
        ("-5:20:5", [-5, 0, 5, 10, 15, 20]),
        ("0:1:0.25", [0, 0.25, 0.5, 0.75, 1]),
        ("1,inf,-inf", [1, math.inf, -math.inf]),
        ("-5:0:5,7", [-5, 0, 7]),
    ],
)
def test_snr_lists(text: str, values: list[float]) -> None:
    assert parse_snr_list(text) == values


@pytest.mark.parametrize("text", ["nan", "x", "", "1:2", "1:2:0", "1:2:-1", "1:inf:1", "5:1:1", "1:2:nan"])
def test_bad_snr_lists_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_snr_list(text)


@pytest.mark.parametrize(("text", "ratio"), [("1/12", 1 / 12), ("0.125", 0.125), ("1e-2", 0.01)])
def test_ratios(text: str, ratio: float) -> None:
    assert parse_ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["0", "-1/8", "1/0", "nan", "inf", "a", "1/8/2", "1e999"])
def test_bad_ratios_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ratio(text)
