"""Block error rates: what a table says between its points and beyond, and that measuring goes on where it was."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from deepjscc.digital.bler import SCHEMA, TABLE, Waterfall, arrival_probability, confidence, read_bler, waterfall
from deepjscc.digital.schemes import BLOCK_BITS, PAPERS, STANDARD, Scheme
from deepjscc.errors import DeepJSCCError


def straight(snr_db: np.ndarray) -> np.ndarray:
    """A waterfall that is a straight line in the normal deviate: centre 1 dB, 4 deviations a dB."""
    return np.array([NormalDist().cdf(-4 * (one - 1.0)) for one in snr_db])


def test_a_straight_line_is_met_between_and_beyond_its_points() -> None:
    snr_db, blocks = np.arange(0.5, 1.6, 0.25), 10**6
    errors = np.round(blocks * straight(snr_db)).astype(int)
    straightened = Waterfall(snr_db, np.full(len(snr_db), blocks), errors)
    for at in (0.2, 0.6, 0.9, 1.3, 1.7, 2.0):
        assert straightened.error_rate(at) == pytest.approx(straight(np.array([at]))[0], rel=0.05)
    assert straightened.error_rate(9.0) == 1e-6
    assert straightened.error_rate(-9.0) == pytest.approx(1)


def test_points_with_few_errors_are_left_out() -> None:
    snr_db, blocks = np.array([0.75, 1.0, 1.25, 1.5]), np.full(4, 200)
    errors = np.round(200 * straight(snr_db)).astype(int)
    errors[3] = 4
    assert Waterfall(snr_db, blocks, errors).snr_db.tolist() == [0.75, 1.0, 1.25]
    with pytest.raises(DeepJSCCError, match="two points"):
        Waterfall(snr_db, blocks, np.array([200, 200, 100, 0]))


def test_confidence_covers() -> None:
    """A binomial rate lies in its 90% interval about nine times in ten."""
    draws = np.random.default_rng(0)
    for rate in (0.5, 0.05, 0.01):
        intervals = [confidence(int(errors), 400, 0.9) for errors in draws.binomial(400, rate, 2000)]
        assert 0.86 < np.mean([low <= rate <= high for low, high in intervals]) < 0.95


def test_the_table_holds_every_scheme_and_length() -> None:
    rows = read_bler(TABLE)
    assert rows.select("channel", "scheme", "block_bits", "snr_db").is_unique().all()
    assert (rows["errors"] <= rows["blocks"]).all()
    for one in (*STANDARD, *PAPERS):
        for block_bits in BLOCK_BITS:
            if one.message_bits(block_bits) >= 1:
                measured = waterfall("awgn", one.name, block_bits)
                assert measured is not None
                assert measured.slope > 0
                capacity_db = 10 * np.log10(2**one.efficiency - 1)
                centre = measured.snr_db[np.abs(measured.deviate).argmin()]
                assert 0 < centre - capacity_db < 5, one.name


def test_longer_blocks_have_steeper_waterfalls() -> None:
    for one in PAPERS:
        measured = [waterfall("awgn", one.name, block_bits) for block_bits in (6144, 1536, 384)]
        slopes = [one.slope for one in measured if one is not None]
        assert len(slopes) == 3
        assert slopes == sorted(slopes, reverse=True)


def test_a_picture_arrives_when_every_block_does() -> None:
    one, measured = PAPERS[1], waterfall("awgn", PAPERS[1].name, 6144)
    assert measured is not None
    lost = measured.error_rate(1.3)
    assert arrival_probability("awgn", one, [6144] * 24, 1.3) == pytest.approx((1 - lost) ** 24)
    assert arrival_probability("awgn", one, [], 1.3) == 0
    with pytest.raises(DeepJSCCError, match=r"no block error rates of qpsk-7 .*--simulate"):
        arrival_probability("awgn", Scheme("qpsk", 7), [6144], 1.3)


def test_a_broken_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="no such table"):
        read_bler(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_bytes(b"nothing")
    with pytest.raises(DeepJSCCError, match="not a table of block error rates"):
        read_bler(tmp_path / "x.parquet")


def test_two_measurements_into_one_table_lose_nothing(tmp_path: Path) -> None:
    """Points that came meanwhile stay; of one point the measurement of more blocks, which began with the other's."""
    from deepjscc.digital.monte_carlo import _add_points

    def points(*rows: tuple[float, int, int]) -> pl.DataFrame:
        return pl.DataFrame([("awgn", "qpsk-449", 384, *row, 20) for row in rows], schema=SCHEMA, orient="row")

    path = tmp_path / "x.parquet"
    _add_points(path, points((1.0, 100, 50), (2.0, 100, 10)))
    _add_points(path, points((1.0, 50, 25), (2.0, 150, 15), (3.0, 50, 1)))
    held = read_bler(path).select("snr_db", "blocks", "errors").rows()
    assert held == [(1.0, 100, 50), (2.0, 150, 15), (3.0, 50, 1)]
    assert list(tmp_path.iterdir()) == [path]


def test_measuring_goes_on_where_it_was(tmp_path: Path) -> None:
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    from deepjscc.digital import monte_carlo
    from deepjscc.digital.monte_carlo import Effort, Task, measure, point

    path, effort = tmp_path / "x.parquet", Effort(errors=20, blocks=100, target=0.05)
    first = measure(path, "awgn", [PAPERS[1]], [384], effort)
    assert first.schema == SCHEMA
    assert first["snr_db"].is_sorted()
    assert first["errors"][0] / first["blocks"][0] > 0.9
    assert first["errors"][-1] / first["blocks"][-1] < 0.05
    cut = first.filter(pl.col("snr_db") < first["snr_db"][-1])
    cut.write_parquet(path)
    again = measure(path, "awgn", [PAPERS[1]], [384], effort)
    assert again.equals(first)
    snr_db = first["snr_db"][0]
    whole, half = (Task("awgn", PAPERS[1], 384, Effort(200, blocks, 0.05), "cpu", ()) for blocks in (100, 50))
    assert point(whole, snr_db, *point(half, snr_db)) == point(whole, snr_db)
    blocks, errors = point(Task("awgn", PAPERS[1], 384, effort, "cpu", ()), snr_db)
    assert (blocks, errors) == (first["blocks"][0], first["errors"][0])
    assert blocks % monte_carlo.BATCH == 0
