"""Downloads that fail: the message names a place that is still there afterwards."""

from pathlib import Path

import pytest

from deepjscc.cli import main


@pytest.mark.parametrize(("data", "place"), [("kodak", "kodak/kodim01.png"), ("cifar10", "cifar-10-binary.tar.gz")])
def test_a_failed_download_names_where_the_file_belongs(
    data: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setenv("DEEPJSCC_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", no_network)
    with pytest.raises(SystemExit) as ended:
        main(["fetch", data])
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert f"put it at {tmp_path / place}" in message
    assert (tmp_path / place).parent.is_dir()
