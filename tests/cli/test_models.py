"""`deepjscc models`: families, one notation of ratios, short licences, and nothing wider than 80 columns."""

import json

import pytest

from deepjscc.cli import main
from deepjscc.zoo import cards


def test_every_model_is_listed_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models"])
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(line.startswith(name) for line in lines) for name in cards())
    assert "/3072" not in text
    assert "Krizhevsky" not in text


def test_a_family_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "universal", "--json"])
    assert {card["model"] for card in json.loads(capsys.readouterr().out)} == {"universal"}
    with pytest.raises(SystemExit) as ended:
        main(["models", "nothing"])
    assert ended.value.code == 2
    assert "no family 'nothing'" in capsys.readouterr().err
