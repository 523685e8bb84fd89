"""The results table: layers that arrived, and tables of earlier versions."""

from pathlib import Path

import polars as pl
import pytest

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.table import SCHEMA, read_table, summarise, to_table


def _rows(layers: list[str | None]) -> pl.DataFrame:
    shared = {"system": "hybrid", "snr_db": 5.0, "psnr_db": 30.0, "delivered": True}
    return to_table([shared | {"image": str(index), "layers": one} for index, one in enumerate(layers)])


def test_the_summary_counts_which_layers_arrived() -> None:
    (found,) = summarise(_rows(["base+analog", "coarse", "base+analog", ""]))["layers"]
    assert found == "base+analog 50%, none 25%, coarse 25%"
    assert summarise(_rows([None, None]))["layers"].to_list() == [None]


def test_a_table_without_the_column_of_layers_is_read(tmp_path: Path) -> None:
    _rows(["base"]).drop("layers").write_parquet(tmp_path / "old.parquet")
    table = read_table(tmp_path / "old.parquet")
    assert table.columns == list(SCHEMA)
    assert table["layers"].to_list() == [None]
    _rows(["base"]).drop("psnr_db").write_parquet(tmp_path / "broken.parquet")
    with pytest.raises(DeepJSCCError, match="no column 'psnr_db'"):
        read_table(tmp_path / "broken.parquet")
