"""A real peer: GNU Radio's channel model, a process of its own, between our tx and our rx over ZeroMQ."""

import json
import math
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deepjscc.data.samples import sample_path
from deepjscc.images import read_image, to_float
from deepjscc.metrics import psnr

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("gnuradio_channel.py")
AMPLITUDE, STEP = 0.1, 4

pytestmark = pytest.mark.gnuradio


def _ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module", autouse=True)
def gnuradio() -> None:
    """Skips where there is none."""
    try:
        subprocess.run([PYTHON, "-c", "import gnuradio"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no GNU Radio; make test-gnuradio installs it")


@pytest.mark.parametrize("waveform", ["single-carrier", "ofdm"])
@pytest.mark.parametrize(
    ("model", "snr_db", "cfo", "epsilon", "taps", "least_db"),
    [
        ("linear", 20.0, 0.0, 1.0, "1", 33.0),
        ("linear", 10.0, 0.005, 1.00001, "1", 28.0),
        ("linear", 15.0, -0.008, 0.99998, "1,0,0,0,0,0.3j,0,0,-0.1", 30.0),
        ("hybrid", 20.0, 0.0, 1.0, "1", 39.0),
        ("hybrid", 10.0, 0.005, 1.00001, "1", 35.0),
    ],
)
def test_pictures_through_gnu_radio(
    tmp_path: Path, waveform: str, model: str, snr_db: float, cfo: float, epsilon: float, taps: str, least_db: float
) -> None:
    """The hybrid is designed for 1.5 dB less than the channel has: its base has a cliff, the receiver a small loss."""
    before, after = _ports(2)
    # Its noise source has this voltage in each of the two parts over sqrt 2: variance voltage^2 a complex sample.
    voltage = AMPLITUDE * math.sqrt(STEP * 10 ** (-snr_db / 10))
    picture = "astronaut" if model == "hybrid" else "coffee"  # one for which the hybrid takes an analog layer
    ours = [sys.executable, "-m", "deepjscc"]
    receiver = subprocess.Popen(
        [*ours, "rx", "--from", f"zmq://127.0.0.1:{after}", "-o", str(tmp_path), "--frames", "2", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    channel = subprocess.Popen(
        [
            PYTHON,
            SCRIPT,
            f"tcp://127.0.0.1:{before}",
            f"tcp://127.0.0.1:{after}",
            str(voltage),
            str(cfo / STEP),
            str(epsilon),
            taps,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    try:
        assert channel.stdout is not None
        assert channel.stdout.readline() == "ready\n"
        assert receiver.stderr is not None
        assert "receiving from" in receiver.stderr.readline()
        send = ["tx", str(sample_path(picture)), "--to", f"zmq://127.0.0.1:{before}", "--bandwidth-ratio", "1/12"]
        design_snr_db = snr_db - 1.5 if model == "hybrid" else snr_db
        send += [
            "--snr-db",
            str(design_snr_db),
            "--model",
            model,
            "--waveform",
            waveform,
            "--amplitude",
            str(AMPLITUDE),
        ]
        subprocess.run([*ours, *send, "--repeat", "2"], check=True, timeout=120)
        out, err = receiver.communicate(timeout=120)
    finally:
        for process in (channel, receiver):
            process.kill()
            process.wait()
    reports = [json.loads(line) for line in out.splitlines()]
    assert [one["sequence"] for one in reports] == [0, 1], err
    original = to_float(read_image(sample_path(picture)))
    for one in reports:
        quality = psnr(to_float(read_image(one["file"])), original).item()
        assert one["status"] == "ok"
        assert one["cfo"] == pytest.approx(cfo, abs=5e-6)
        assert one["snr_db"] == pytest.approx(snr_db, abs=1.5)
        assert quality > least_db
        assert one.get("layers") == ("base+analog" if model == "hybrid" else None)
