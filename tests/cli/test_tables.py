"""Tables: constants above, parts where the columns do not fit, and nothing wider than asked for."""

import pytest

from deepjscc.cli.tables import print_table


def test_constant_columns_are_named_above(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["system", "snr_db", "images"], [["a", 0.0, 3], ["a", 5.0, 3]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "In every row: system a, images 3"
    assert lines[1].split() == ["snr_db"]
    assert [line.strip() for line in lines[2:]] == ["0", "5.00"]


def test_one_row_keeps_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "b"], [[1, True]])
    assert capsys.readouterr().out.split() == ["a", "b", "1", "yes"]


def test_equal_rows_keep_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "b"], [[1, 2], [1, 2]])
    assert "In every row: b 2" in capsys.readouterr().out


def test_a_wide_table_is_printed_in_parts_that_repeat_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    columns = ["system", "snr_db", *(f"a_long_metric_{i}" for i in range(8))]
    rows = [[system, snr, *(10.0 * i + snr for i in range(8))] for system in "xy" for snr in (0.0, 5.0)]
    print_table(columns, rows, width=80)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    parts = text.split("\n\n")
    assert len(parts) > 1
    assert all(part.split()[:2] == ["system", "snr_db"] for part in parts)
    assert sorted(name for part in parts for name in part.split()[:10] if name.startswith("a_long")) == columns[2:]


def test_long_text_is_wrapped_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    words = "a sentence that is much longer than any column of a table ought to be, and goes on"
    print_table(["name", "what"], [["one", words], ["two", words + " and on"]], width=60)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 60
    assert " ".join(text.split()).count("sentence") == 2


def test_a_path_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/a/very/long/" + "folder/" * 12 + "picture.png"
    print_table(["name", "file"], [["one", path], ["two", path + "x"]], width=80)
    assert path in capsys.readouterr().out.split()
