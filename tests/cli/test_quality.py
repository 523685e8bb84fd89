"""`deepjscc quality`: the metrics of two files."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepjscc.cli import main


@pytest.fixture
def pair(tmp_path: Path, coffee) -> list[str]:
    """A photograph of 170 pixels a side, and the same with every value off by 2."""
    pixels = coffee[:, 100:270, 100:270].permute(1, 2, 0).numpy().clip(2, 250)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray((pixels + 2).astype(np.uint8)).save(tmp_path / "b.png")
    return [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def test_every_metric_is_measured(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["quality", *pair, "--json"])
    values = json.loads(capsys.readouterr().out)
    assert values["mse"] == pytest.approx(4, rel=1e-4)
    assert values["psnr_db"] == pytest.approx(20 * math.log10(255 / 2), abs=1e-4)
    assert 0.98 < values["ssim"] < 1
    assert 0.98 < values["ms_ssim"] < 1
    assert 0 <= values["lpips"] < 0.1
    main(["quality", *pair])
    text = capsys.readouterr().out
    assert "psnr_db" in text
    assert "ms_ssim_window_7" not in text  # it is for smaller pictures


def test_sizes_must_agree(pair: list[str], picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["quality", pair[0], str(picture)])
    assert ended.value.code == 2
    assert "170x170 pixels" in capsys.readouterr().err
