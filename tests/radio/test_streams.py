"""Files, sockets and pipes: round trips, other programs as readers, and pictures through the commands."""

import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import sigmf
import torch
from radio_frames import a_frame, a_header, gaussian

from deepjscc.cli import main
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import read_image, to_float
from deepjscc.metrics import psnr
from deepjscc.models import Cnn
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receive_images import receive_images
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.sample_files import Recorder, SampleReader, open_recording
from deepjscc.radio.transmitter import picture_burst
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.radio.zmq_stream import MAX_MESSAGE_BYTES, MESSAGE, RECEIVE_QUEUE, Publisher, Subscriber, endpoint


@pytest.mark.parametrize("datatype", ["cf32_le", "ci16_le"])
def test_recordings_there_and_back_and_by_the_sigmf_package(tmp_path: Path, datatype: str) -> None:
    samples = 0.1 * gaussian(1000)
    recorder = Recorder(tmp_path / "a.sigmf-meta", datatype, 1e6)
    recorder.append(samples, 900, "one")
    recorder.append(samples, 900, "two")
    recorder.write()
    recorder.close()
    theirs = sigmf.fromfile(str(tmp_path / "a.sigmf-meta"))
    theirs.validate()
    assert [(one["core:sample_start"], one["core:sample_count"]) for one in theirs.get_annotations()] == [
        (0, 900),
        (1000, 900),
    ]
    assert theirs.get_global_info()["core:sample_rate"] == 1e6
    ours = np.concatenate(list(open_recording(tmp_path / "a.sigmf-meta")))
    assert np.abs(ours - np.tile(samples, 2)).max() < 1e-4
    assert np.abs(theirs.read_samples() - ours).max() < 1e-4


def test_raw_files_and_full_scale(tmp_path: Path) -> None:
    samples = gaussian(500)
    recorder = Recorder(tmp_path / "a.cf32")
    recorder.append(samples, 500, "one")
    recorder.write()
    assert (np.concatenate(list(open_recording(tmp_path / "a.cf32"))) == samples).all()
    assert (np.fromfile(tmp_path / "a.cf32", "<c8") == samples).all()
    loud = Recorder(tmp_path / "b.sigmf-meta", "ci16_le")
    loud.append(3 * samples, 500, "one")
    loud.write()
    assert loud.saturated > 100
    reader = open_recording(tmp_path / "b.sigmf-meta")
    list(reader)
    assert reader.saturated == loud.saturated
    assert "may have been clipped" in (reader.note() or "")
    with pytest.raises(UsageError, match="holds cf32_le"):
        Recorder(tmp_path / "c.cf32", "ci16_le")
    with pytest.raises(UsageError, match="NAME"):
        Recorder(tmp_path / "c.wav")
    with pytest.raises(UsageError, match="NAME"):
        open_recording(tmp_path / "c.wav")


def test_a_torn_end_is_named() -> None:
    reader = SampleReader(io.BytesIO(gaussian(10).tobytes() + b"abc"))
    assert sum(map(len, reader)) == 10
    assert "last 3 bytes" in (reader.note() or "")


def test_metadata_that_is_none(tmp_path: Path) -> None:
    meta, data = tmp_path / "a.sigmf-meta", tmp_path / "a.sigmf-data"
    with pytest.raises(DeepJSCCError, match=r"[Nn]o such file"):
        open_recording(meta)
    for text in ("", "[]", "{}", '{"global": 3}', '{"global": {"core:datatype": "cf32_le"}}'):
        meta.write_text(text)
        with pytest.raises(DeepJSCCError, match="not SigMF"):
            open_recording(meta)
    good = {"global": {"core:datatype": "rf32_le", "core:version": "1.2.0"}, "captures": [], "annotations": []}
    meta.write_text(json.dumps(good))
    with pytest.raises(DeepJSCCError, match="rf32_le"):
        open_recording(meta)
    good["global"]["core:datatype"] = "cf32_le"
    meta.write_text(json.dumps(good))
    with pytest.raises(DeepJSCCError, match=r"[Nn]o such file"):
        open_recording(meta)
    data.write_bytes(b"")
    assert not list(open_recording(meta))


def test_addresses() -> None:
    assert endpoint("zmq://127.0.0.1:5555", public=False, binds=True) == "tcp://127.0.0.1:5555"
    assert endpoint("zmq://localhost:1", public=False, binds=True) == "tcp://127.0.0.1:1"
    assert endpoint("zmq://0.0.0.0:1", public=True, binds=True) == "tcp://0.0.0.0:1"
    assert endpoint("zmq://radio.example:1", public=False, binds=False) == "tcp://radio.example:1"
    for wrong in ("zmq://0.0.0.0:1", "zmq://*:1", "zmq://radio.example:1"):
        with pytest.raises(UsageError, match="--public"):
            endpoint(wrong, public=False, binds=True)
    for wrong in ("http://127.0.0.1:1", "zmq://127.0.0.1", "zmq://:1", "zmq://127.0.0.1:x", "zmq://127.0.0.1:99999"):
        with pytest.raises(UsageError, match="not an address"):
            endpoint(wrong, public=False, binds=False)


def test_samples_over_a_socket_and_a_pause_that_shows(free_port: int) -> None:
    samples, received = gaussian(20_000), []
    subscriber = Subscriber(f"zmq://127.0.0.1:{free_port}")

    def subscribe() -> None:
        for chunk in subscriber:
            received.append(chunk)
            if chunk is None:
                return

    thread = threading.Thread(target=subscribe, daemon=True)
    thread.start()
    publisher = Publisher(f"zmq://127.0.0.1:{free_port}", wait_s=20.0)
    publisher.send(samples)
    thread.join(20)
    publisher.close()
    subscriber.close()
    assert received[-1] is None
    assert (np.concatenate(received[:-1]) == samples).all()


def test_closing_waits_until_all_samples_have_left(free_port: int) -> None:
    """Of a slow subscriber: the process may end right after, and what is still queued would be lost with it."""
    import zmq

    samples, messages = np.arange(MESSAGE, dtype=np.complex64), 400
    with zmq.Context() as context, context.socket(zmq.SUB) as slow:
        slow.setsockopt(zmq.RCVHWM, 1)
        slow.setsockopt(zmq.LINGER, 0)
        slow.setsockopt(zmq.SUBSCRIBE, b"")
        slow.connect(f"tcp://127.0.0.1:{free_port}")
        publisher = Publisher(f"zmq://127.0.0.1:{free_port}", wait_s=20.0)
        publisher.send(np.tile(samples, messages))
        closing = threading.Thread(target=publisher.close)
        closing.start()
        closing.join(0.3)
        assert closing.is_alive()
        assert sum(len(slow.recv()) for _ in range(messages)) == 8 * MESSAGE * messages
        closing.join(20)
        assert not closing.is_alive()


def test_no_subscriber_is_one_line(free_port: int) -> None:
    with pytest.raises(DeepJSCCError, match="no subscriber connected"):
        Publisher(f"zmq://127.0.0.1:{free_port}", wait_s=0.05)


def test_the_port_is_taken(free_port: int) -> None:
    import zmq

    with zmq.Context() as context, context.socket(zmq.PUB) as taken:
        taken.bind(f"tcp://127.0.0.1:{free_port}")
        with pytest.raises(DeepJSCCError, match="in use"):
            Publisher(f"zmq://127.0.0.1:{free_port}", wait_s=0.05)


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_pictures_through_the_commands(
    capsys: pytest.CaptureFixture[str], picture: Path, coffee: torch.Tensor, tmp_path: Path
) -> None:
    for waveform, datatype in (("single-carrier", "cf32_le"), ("ofdm", "ci16_le")):
        to = tmp_path / f"{waveform}.sigmf-meta"
        send = ["tx", picture, picture, "--to", to, "--bandwidth-ratio", "1/6", "--waveform", waveform]
        send += ["--model", "universal-s"]
        main([*map(str, send), "--datatype", datatype, "--papr-db", "7", "--json"])
        reports = json.loads(capsys.readouterr().out)
        assert [report["frame"] for report in reports] == [0, 1]
        assert reports[0]["papr_db"] < reports[0]["unclipped_papr_db"] - 1
        assert reports[0]["overhead_pulses"]["preamble"] == 1016
        on_air = reports[0]["pulses"] / (3 * reports[0]["width"] * reports[0]["height"])
        assert reports[0]["bandwidth_ratio_on_air"] == pytest.approx(on_air)
        assert reports[0]["bandwidth_ratio"] < on_air
        folder = tmp_path / waveform
        main(["rx", "--from", str(to), "-o", str(folder), "--json", "--progressive"])
        reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(one["sequence"], one["status"], one["header"]) for one in reports] == [
            (0, "ok", "ok"),
            (1, "ok", "ok"),
        ]
        assert [one["model"] for one in reports] == ["universal-s"] * 2
        original = to_float(read_image(picture))
        for index in (1, 2):
            assert psnr(to_float(read_image(folder / f"picture-0000{index}.png")), original).item() > 17  # clipped
    main(["rx", "--from", str(to), "-o", str(tmp_path / "one"), "--frames", "1"])
    assert capsys.readouterr().out.count("header ok") == 1


def test_a_checkpoint_is_found_by_its_hash_and_an_unknown_one_named(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    save_checkpoint(Cnn(filters=4), weights)
    main(["tx", str(picture), "--to", str(tmp_path / "a.cf32"), "--model", str(weights)])
    main(["rx", "--from", str(tmp_path / "a.cf32"), "-o", str(tmp_path / "p")])
    assert "unknown model" in capsys.readouterr().out
    main(["rx", "--from", str(tmp_path / "a.cf32"), "-o", str(tmp_path / "p"), "--model", str(weights)])
    assert "picture-00001.png" in capsys.readouterr().out


def test_previews_improve_while_symbols_come(coffee: torch.Tensor, tmp_path: Path) -> None:
    image = coffee[:, :128, :160]
    config = WaveformConfig(Pulse())
    samples = np.pad(picture_burst(image, "linear", config, 10.0, 1 / 2).samples, 3000)
    samples = impair(samples, Impairments(10.0), config.pulse, config.amplitude, np.random.default_rng(0))
    shown: list[float] = []
    file = tmp_path / "picture-00001.png"

    def chunks():  # type: ignore[no-untyped-def]
        before = None
        for start in range(0, len(samples), 4000):
            yield samples[start : start + 4000]
            if file.exists() and (now := file.read_bytes()) != before:
                before = now
                shown.append(psnr(to_float(read_image(file)), to_float(image)).item())

    (report,) = receive_images(chunks(), Receiver(config.pulse), PictureDecoder(), tmp_path, progressive=True)
    shown.append(psnr(to_float(read_image(file)), to_float(image)).item())
    assert report.status == "ok"
    assert len(shown) >= 3
    assert shown == sorted(shown)
    assert shown[-1] > shown[0] + 1


def test_a_pause_cuts_a_frame_short_and_the_next_is_received(tmp_path: Path) -> None:
    whole, _ = a_frame(a_header(3000, 1))
    source = [whole[: 2 * len(whole) // 3], None, whole, None, None]
    reports = list(receive_images(source, Receiver(Pulse()), PictureDecoder(), tmp_path))
    assert [report.frame.complete for report in reports] == [False, True]
    assert all("unknown model 0123456789ab" in report.status for report in reports)
    assert "no picture" in reports[0].line()


@pytest.mark.parametrize(
    ("code", "arguments", "line"),
    [
        (1, ["rx", "--from", "nothing.cf32", "-o", "FOLDER"], "No such file"),
        (2, ["rx", "--from", "photo.png", "-o", "FOLDER"], "NAME.sigmf-meta or NAME.cf32"),
        (2, ["rx", "--from", "udp://127.0.0.1:1", "-o", "FOLDER"], "not an address"),
        (2, ["rx", "--from", "-", "-o", "FOLDER", "--frames", "0"], "must be at least 1"),
        (2, ["rx", "--from", "a.cf32", "-o", "FOLDER", "--samples-per-symbol", "3"], "samples per symbol must be even"),
        (2, ["tx", "PICTURE", "--to", "zmq://0.0.0.0:5555"], "--public"),
        (2, ["tx", "PICTURE", "--to", "a.wav"], "NAME.sigmf-meta or NAME.cf32"),
        (2, ["tx", "PICTURE", "--to", "a.cf32", "--papr-db", "0", "--model", "linear"], "1 dB or more"),
        (2, ["tx", "PICTURE", "--to", "a.cf32", "--roll-off", "3"], "roll-off"),
        (1, ["tx", "nothing.png", "--to", "a.cf32"], "no such file"),
    ],
)
def test_invalid_arguments_give_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    picture: Path,
    tmp_path: Path,
    code: int,
    arguments: list[str],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"PICTURE": str(picture), "FOLDER": str(tmp_path / "out")}
    with pytest.raises(SystemExit) as stop:
        main([places.get(argument, argument) for argument in arguments])
    error = capsys.readouterr().err
    assert stop.value.code == code
    assert error.count("\n") == 1
    assert line in error
    assert not list(tmp_path.glob("a.*"))


def test_a_second_run_keeps_the_pictures_of_the_first(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path
) -> None:
    main(["tx", str(picture), "--to", str(tmp_path / "a.cf32"), "--model", "linear"])
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "picture-00041.png").write_bytes(b"of an earlier run")
    main(["rx", "--from", str(tmp_path / "a.cf32"), "-o", str(tmp_path / "p")])
    assert "picture-00042.png" in capsys.readouterr().out
    assert (tmp_path / "p" / "picture-00041.png").read_bytes() == b"of an earlier run"


def test_messages_and_their_queue_are_bounded(free_port: int) -> None:
    import zmq

    assert MAX_MESSAGE_BYTES * RECEIVE_QUEUE <= 1 << 27
    subscriber = Subscriber(f"zmq://127.0.0.1:{free_port}")
    with zmq.Context() as context, context.socket(zmq.XPUB) as sender:
        sender.setsockopt(zmq.LINGER, 0)
        sender.setsockopt(zmq.XPUB_VERBOSER, 1)  # also tell of a subscription that comes before the old one has gone
        sender.bind(f"tcp://127.0.0.1:{free_port}")
        assert sender.poll(10_000)
        sender.send(bytes(MAX_MESSAGE_BYTES + 8))
        chunks = iter(subscriber)
        received: list[object] = []
        thread = threading.Thread(target=lambda: received.append(next(chunks)), daemon=True)
        thread.start()
        sender.recv()  # it subscribes,
        assert sender.poll(10_000)  # its connection ends at the large message, and it comes back
        while sender.recv() != b"\x01":
            assert sender.poll(10_000)
        sender.send(gaussian(5).tobytes())
        thread.join(10)
    subscriber.close()
    assert len(received) == 1
    assert subscriber.disconnects >= 1
    assert (received[0] == gaussian(5)).all()


def test_refused_messages_are_mentioned(free_port: int) -> None:
    subscriber = Subscriber(f"zmq://127.0.0.1:{free_port}")
    subscriber.close()
    assert subscriber.note() is None
    subscriber.disconnects = 2
    assert "at most 1 MiB" in (subscriber.note() or "")
