"""Rate points of tests stay out of the user's cache folder."""

from pathlib import Path

import pytest

from deepjscc.digital.codecs import rates


@pytest.fixture(autouse=True)
def rates_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which slow codecs keep what they coded during one test."""
    folder = tmp_path / "cache" / "rates"
    monkeypatch.setattr(rates, "rates_folder", lambda: folder)
    return folder
