"""Pictures are decoded in a process that is bounded, and whoever sends a slow one keeps nobody else waiting."""

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running_page import RunningPage

from deepjscc.errors import DeepJSCCError
from deepjscc.open_image import open_rgb
from deepjscc.web import decode_upload as decoding

LIMITS = {"max_bytes": 1 << 20, "max_pixels": 1_000_000, "side": 64}


def test_a_picture_comes_out_as_it_would_in_this_process(picture: Path) -> None:
    decoded, size = decoding.decode_upload(str(picture), **LIMITS | {"side": 128})
    assert size == decoded.size == (96, 80)
    assert np.array_equal(np.asarray(decoded), np.asarray(open_rgb(picture)))
    scaled, size = decoding.decode_upload(str(picture), **LIMITS)
    assert (scaled.size, size) == ((64, 53), (96, 80))


def test_only_regular_files_within_the_limits_are_decoded(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "link.png").symlink_to(picture)
    os.mkfifo(tmp_path / "fifo.png")
    for path, words in (
        (tmp_path / "link.png", "no such file"),
        (tmp_path / "fifo.png", "not a regular file"),
        (tmp_path, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "a\0.png", "no such file"),
    ):
        with pytest.raises(DeepJSCCError, match=words):
            decoding.decode_upload(str(path), **LIMITS)
    with pytest.raises(DeepJSCCError, match="accepts up to"):
        decoding.decode_upload(str(picture), **LIMITS | {"max_bytes": 100})
    with pytest.raises(DeepJSCCError, match="megapixels"):
        decoding.decode_upload(str(picture), **LIMITS | {"max_pixels": 100})


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel bounds address space on Linux")
def test_a_decoder_that_wants_too_much_memory_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("1", (8_000, 8_000)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 300 * 2**20)
    with pytest.raises(DeepJSCCError, match=r"bomb\.png: .*memory"):
        decoding.decode_upload(str(tmp_path / "bomb.png"), **LIMITS | {"max_pixels": 10**9})


def _never_ends(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    monkeypatch.setattr(decoding, "WORKER", (sys.executable, "-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(decoding, "DECODE_SECONDS", seconds)


def test_a_decoder_that_takes_too_long_is_ended(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _never_ends(monkeypatch, 1)
    with pytest.raises(DeepJSCCError, match="more than 1 s"):
        decoding.decode_upload(str(picture), **LIMITS)


def test_a_decoder_that_dies_is_one_line(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "WORKER", (sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(DeepJSCCError, match="too much time or memory"):
        decoding.decode_upload(str(picture), **LIMITS)


def test_other_clients_go_on_meanwhile(page: RunningPage, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = page.upload("slow.png", picture.read_bytes())
    body = [{"path": slow, "meta": {"_type": "gradio.FileData"}}]
    with monkeypatch.context() as patch:
        _never_ends(patch, 5)
        ended: list[float] = []

        def first() -> None:
            assert "more than 5 s" in page.call("queue", "load_upload", body)[1]
            ended.append(time.monotonic())

        waiting = threading.Thread(target=first)
        waiting.start()
        time.sleep(0.5)
    status, text = page.call("queue", "load_upload", body)  # its decoder is the real one again
    assert (status, "slow.png: 96x80" in text) == (200, True)
    assert not ended, "the second client waited for the first"
    waiting.join(30)
    assert ended
