"""What the page shows, without a browser: every view, and uploads that cannot be."""

import io
import os
import signal
import socket
import sys
import threading
from itertools import pairwise
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
import uvicorn
from matplotlib.figure import Figure
from PIL import Image

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation import live, live_pair
from deepjscc.evaluation.background import NICENESS, in_background
from deepjscc.evaluation.live import Setting
from deepjscc.evaluation.single import SHARES, send_image
from deepjscc.images import read_image, to_float, to_picture
from deepjscc.web import one_picture as page
from deepjscc.web import server, two_cameras, uploads
from deepjscc.web.server import serve_page
from deepjscc.web.waveform import show_waveform

CONTROLS = ("linear", "jpeg2000", next(iter(page.CODINGS)), 3.0, "1/12", "AWGN", page.PLANNED, 5.0)


@pytest.fixture
def shown(picture: Path) -> Image.Image:
    return to_picture(to_float(read_image(picture))[0])


def test_digital_spends_what_the_learned_link_does_and_fails_below_its_plan(shown: Image.Image) -> None:
    _, numbers, ours = page.show_learned(shown, *CONTROLS)
    _, lost, theirs = page.show_digital(shown, ours, *CONTROLS)
    assert f"{ours.psnr_db:.2f} dB" in numbers
    assert "outage" in lost
    assert theirs.channel_uses == ours.channel_uses
    above = (*CONTROLS[:3], 7.0, *CONTROLS[4:])
    assert page.show_digital(shown, ours, *above)[2].delivered


def test_ms_ssim_follows_and_says_of_what(shown: Image.Image, coffee: torch.Tensor) -> None:
    large = to_picture(to_float(coffee)[0]).crop((0, 0, 208, 176))
    _, _, ours = page.show_learned(large, *CONTROLS)
    assert ours.ms_ssim is None  # a slider does not wait for it
    whole = send_image(large, Setting("linear", "jpeg2000", 3.0, 1 / 12).learned_system(), 3.0)
    assert page.show_similarity(large, ours, ours).startswith(f"MS-SSIM: linear at 3 dB {whole.ms_ssim:.3f}, ")
    assert "161 pixels" in page.show_similarity(shown, ours, ours)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_what_may_come_later_steps_back() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert in_background(niceness) == NICENESS
    assert niceness() < NICENESS


def test_receivers_with_better_channels_have_better_pictures(shown: Image.Image) -> None:
    values = [o.psnr_db for o in live.receivers(shown, Setting("linear", "jpeg2000", 5.0, 1 / 4))]
    assert len(values) == 8
    assert values[0] < values[-1]
    assert all(later > earlier - 0.2 for earlier, later in pairwise(values))


def test_receivers_of_the_digital_link_and_of_the_hybrid_stand_beside(shown: Image.Image) -> None:
    _, _, ours = page.show_learned(shown, *CONTROLS)
    steps = list(page.show_receivers(shown, ours, *CONTROLS))
    assert [[len(row) for row in step] for step in steps] == [[8, 0, 0], [8, 8, 0], [8, 8, 8]]
    first, digital, hybrid = steps[-1]
    assert [row[0][1].split(" at ")[0] for row in (first, digital, hybrid)] == [
        CONTROLS[0],
        "jpeg2000+ldpc-fine",
        "hybrid",
    ]
    assert first[0][1].startswith(f"{CONTROLS[0]} at -5 dB: ")


def test_the_slider_lies_between_two_pictures_of_one_size(shown: Image.Image) -> None:
    _, _, ours = page.show_learned(shown, *CONTROLS)
    assert page.show_slider(shown, ours, None, page.ORIGINAL) == (shown, ours.picture)
    assert page.show_slider(shown, ours, None, page.DIGITAL) is None
    assert page.show_slider(shown, ours, ours, page.DIGITAL) == (ours.picture, ours.picture)
    assert page.show_slider(shown.resize((8, 8)), ours, None, page.ORIGINAL) is None  # of the picture before


def test_stages_improve_and_count_what_has_arrived(shown: Image.Image) -> None:
    outcomes = live.stages(shown, Setting("linear", "jpeg2000", 15.0, 1 / 4))
    values = [outcome.psnr_db for outcome in outcomes]
    assert values == sorted(values)
    assert [o.channel_uses for o in outcomes] == [round(s * outcomes[-1].channel_uses) for s in SHARES]
    assert len(live.stages(shown, Setting("cnn-c8-awgn-10db", "jpeg2000", 10.0, 1 / 4))) == 1


def test_the_curve_fills_in(shown: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CURVE_DB", (0.0, 10.0))
    _, _, ours = page.show_learned(shown, *CONTROLS)
    words = [word for _, word in page.show_curve(shown, ours, ours, *CONTROLS)]
    assert words == [f"{count} of 4 SNRs" for count in range(1, 5)]  # both sides of the cliff too


def test_the_curve_has_both_sides_of_the_cliff(shown: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CURVE_DB", (0.0, 10.0))
    setting = Setting("linear", "jpeg2000", 5.0, 1 / 4, planned_db=5.0)
    digital = [theirs for _, theirs in live.curve(shown, setting)]
    below, above = digital[1:3]
    assert (below.delivered, above.delivered) == (False, True)
    assert above.snr_db - below.snr_db < 0.02


@pytest.mark.parametrize("channel", page.CHANNELS)
def test_constellations_have_power_one(shown: Image.Image, channel: str) -> None:
    setting = Setting("linear", "jpeg2000", 10.0, 1 / 8, **page.CHANNELS[channel])
    sent, received = live.constellation(shown, setting)
    assert np.mean(np.abs(sent) ** 2) == pytest.approx(1, rel=0.2)
    assert len(sent) == len(received) <= 2 * live.POINTS


def test_the_constellation_of_a_hybrid_holds_its_digital_layers(shown: Image.Image) -> None:
    setting = Setting("jpeg2000+ldpc-fine+hybrid@share=0", "jpeg2000", 10.0, 1 / 4)
    sent, received = live.constellation(shown, setting)
    assert np.mean(np.abs(sent) ** 2) == pytest.approx(1, rel=0.2)
    assert 10 * np.log10(np.mean(np.abs(received - sent) ** 2)) == pytest.approx(-10, abs=0.8)


def test_the_waveform_view_shows_the_picture_as_it_is_received(shown: Image.Image) -> None:
    *_, last = show_waveform(shown, page.make_setting(*CONTROLS), "single carrier", 0.4, True)
    numbers, _, symbols, received = last
    assert received.size == shown.size
    assert "the frame is complete; the picture has" in numbers
    assert "(true: +0.400%)" in numbers
    assert "on the air" in numbers  # the costs
    assert [axes.get_title() for axes in symbols.axes] == ["sent", "received"]


def test_a_lost_frame_is_said_in_words(shown: Image.Image) -> None:
    controls = (*CONTROLS[:3], -30.0, *CONTROLS[4:])
    steps = list(show_waveform(shown, page.make_setting(*controls), "OFDM", 0.0, False))
    assert isinstance(steps[0][1], Figure)  # the spectrum comes once
    assert not any(isinstance(step[1], Figure) for step in steps[1:])
    assert "no frame was found" in steps[-1][0]


def test_files_to_take_home(shown: Image.Image) -> None:
    _, _, ours = page.show_learned(shown, *CONTROLS)
    files = [Path(file) for file in page.make_files(shown, ours, *CONTROLS)]
    assert [file.suffix for file in files] == [".png", ".sigmf-meta", ".sigmf-data"]
    assert all(file.stat().st_size for file in files)


def test_uploads_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "upload.png"
    animated = io.BytesIO()
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:])
    place.write_bytes(animated.getvalue())
    assert uploads.open_upload(str(place))[0].getpixel((0, 0)) == (255, 0, 0)  # the first frame
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    for content, words in ((b"", "not an image"), (b"hello", "not an image"), (bomb.getvalue(), "megapixels")):
        place.write_bytes(content)
        with pytest.raises(DeepJSCCError, match=words) as caught:
            uploads.open_upload(str(place))
        assert str(tmp_path) not in str(caught.value)  # where uploads lie is nobody's business
    monkeypatch.setattr(uploads, "UPLOAD_BYTES", 4)
    with pytest.raises(DeepJSCCError, match="accepts up to"):
        uploads.open_upload(str(place))


def test_two_cameras_together_and_alone(shown: Image.Image) -> None:
    *pictures, setting, together = two_cameras.show_together((shown, shown), 0.0, 9.0, False, "AWGN")
    *_, gain = two_cameras.show_alone((shown, shown), setting, together)
    assert [picture.size for picture in pictures[::2]] == [shown.size] * 2
    assert f"at 0 dB: {together[0].psnr_db:.2f} dB" in pictures[1]
    assert "at 9 dB" in pictures[3]
    assert together[0].psnr_db < together[1].psnr_db
    assert gain.startswith("**Together minus alone: left +")  # a better view of the very same picture
    *pictures, noiseless, _ = two_cameras.show_together((shown, shown), 0.0, 9.0, True, "fast Rayleigh fading")
    assert "without noise" in pictures[3]
    assert (noiseless.left_db, noiseless.right_db, noiseless.coherence) == (0.0, live_pair.NOISELESS_DB, "symbol")


def test_both_views_of_the_sample_pair_gain_at_the_first_setting() -> None:
    pair = uploads.load_sample_pair()[0]
    *_, setting, together = two_cameras.show_together(pair, *two_cameras.FIRST_DB, False, "AWGN")
    left_db, right_db = live_pair.gain_db(together, live_pair.alone(pair, setting))
    assert left_db > 0.5
    assert right_db > 0


def test_a_pair_is_two_pictures_of_one_size(tmp_path: Path) -> None:
    for name, size in (("b.png", (64, 48)), ("a.png", (64, 48)), ("small.png", (32, 48))):
        Image.new("RGB", size, "red" if name == "a.png" else "blue").save(tmp_path / name)
    files = [str(tmp_path / name) for name in ("b.png", "a.png", "small.png")]
    pair, note = uploads.open_pair(files[:2])
    assert pair[0].getpixel((0, 0)) == (255, 0, 0)
    assert note == "left a.png: 64x48; right b.png: 64x48"
    with pytest.raises(DeepJSCCError, match="two pictures of one scene are needed, not 3"):
        uploads.open_pair(files)
    with pytest.raises(DeepJSCCError, match="have the same size, not"):
        uploads.open_pair(files[1:])
    left, right = uploads.load_sample_pair()[0]
    assert left.size == right.size == (384, 259)
    assert left.tobytes() != right.tobytes()


def test_a_bad_setting_is_a_message_on_the_page(shown: Image.Image) -> None:
    with pytest.raises(gr.Error, match="unknown model"):
        page.show_learned(shown, "gone", *CONTROLS[1:])


def test_a_view_without_results_is_a_message_on_the_page(shown: Image.Image) -> None:
    for view in (
        lambda: page.show_learned(None, *CONTROLS),
        lambda: page.show_digital(shown, None, *CONTROLS),
        lambda: list(page.show_curve(shown, None, None, *CONTROLS)),
        lambda: page.show_constellation(None, *CONTROLS),
        lambda: page.make_files(shown, None, *CONTROLS),
        lambda: two_cameras.show_alone(None, None, None),
    ):
        with pytest.raises(gr.Error, match="no result yet"):
            view()


def test_large_uploads_are_scaled_down_and_it_is_said(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1000), "green").save(tmp_path / "wide.png")
    picture, note = uploads.open_upload(str(tmp_path / "wide.png"))
    assert picture.size == (1024, 341)
    assert "3000x1000, scaled down" in note


def test_a_taken_port_and_a_wrong_one_are_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DeepJSCCError, match="in use"):
            serve_page(taken.getsockname()[1], public=False)
    with pytest.raises(DeepJSCCError, match="65535"):
        serve_page(70_000, public=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_uploads_are_deleted_when_the_page_ends(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    before, interrupt = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background may have inherited none
    monkeypatch.setattr(server, "build_app", lambda folder, *_: folders.append(Path(folder)))

    def run(self: uvicorn.Server, sockets: list[socket.socket]) -> None:
        (folders[0] / "upload.png").write_bytes(b"x")
        signal.raise_signal(number)  # as the server does after it has closed

    monkeypatch.setattr(uvicorn.Server, "run", run)
    try:
        with pytest.raises((SystemExit, KeyboardInterrupt)):
            serve_page(0, public=False)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)
    assert len(folders) == 1
    assert not folders[0].exists()
