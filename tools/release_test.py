"""Build the wheel, install it into a fresh environment outside the checkout, and run the main commands from there.

    python tools/release_test.py [--keep FOLDER]

It checks that the wheel is below 25 MB, that it names the licences of what it carries, and that every command works
without the repository. The environment has the extras samples, demo, radio and export.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).parents[1]
LARGEST_BYTES = 25_000_000
EXTRAS = "samples,demo,radio,export"
LICENCES = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-SA-4.0", "CC-BY-NC-SA-3.0"}
SERVER_S = 120.0  # until the page must answer
COMMANDS = (
    "send sample:coffee -o received.png --snr-db 3 --bandwidth-ratio 1/12 --compare jpeg2000",
    "evaluate --system universal-s --data samples --images 1 --bandwidth-ratio 1/12 --snr-db 0,10 -o r.parquet",
    "plot r.parquet -o figure.pdf",
    "quality sample:coffee received.png",
    "tx sample:coffee --to sent.cf32",
    "rx --from sent.cf32 -o pictures",
    "export cnn-c16-awgn-10db -o camera",
)
MADE = ("received.png", "r.parquet", "figure.pdf", "sent.cf32", "pictures", "camera/encoder.onnx")


def build_wheel(folder: Path) -> Path:
    """Build the wheel of a copy of what git tracks, so that files lying about in the checkout do not get in."""
    source = folder / "source"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob("deepjscc-*.whl")
    return wheel


def check_wheel(wheel: Path) -> None:
    """Check size, licences and contents."""
    size = wheel.stat().st_size
    assert size < LARGEST_BYTES, f"{wheel.name} has {size} bytes, at most {LARGEST_BYTES} are allowed"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        stated = message_from_bytes(archive.read(metadata))["License-Expression"] or ""
    missing = LICENCES - set(stated.split())
    assert not missing, f"the metadata state {stated!r}, not {', '.join(sorted(missing))}"
    for wanted in (
        "deepjscc/py.typed",
        "deepjscc/metrics/weights/LICENSE",
        "deepjscc/zoo/weights/universal-s.safetensors",
    ):
        assert wanted in names, f"{wheel.name} lacks {wanted}"
    print(f"{wheel.name}: {size / 1e6:.1f} MB, {stated}", flush=True)


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into an environment of its own; the folder of its programs."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    command = [str(programs / "python"), "-m", "pip", "install", "--progress-bar", "off"]
    command += ["--constraint", str(ROOT / "constraints.txt"), f"{wheel}[{EXTRAS}]"]
    print("installing, which takes minutes the first time", flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return programs


def run_commands(programs: Path, folder: Path, environment: dict[str, str]) -> None:
    """Run every command, from a folder outside the checkout."""
    for command in COMMANDS:
        begun = time.monotonic()
        subprocess.run([str(programs / "deepjscc"), *command.split()], cwd=folder, env=environment, check=True)
        print(f"    {time.monotonic() - begun:.1f} s: deepjscc {command}", flush=True)
    for name in MADE:
        assert (folder / name).exists(), f"no {name} was written"
    assert list((folder / "pictures").glob("*.png")), "rx wrote no picture"


def serve(programs: Path, folder: Path, environment: dict[str, str]) -> None:
    """Start the page and fetch it."""
    port = 7871
    command = [str(programs / "deepjscc"), "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=environment) as server:
        try:
            end = time.monotonic() + SERVER_S
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                        assert b"deepjscc" in answer.read()
                    break
                except OSError:
                    assert server.poll() is None, "the server ended"
                    assert time.monotonic() < end, "the page does not answer"
                    time.sleep(0.5)
        finally:
            server.send_signal(signal.SIGTERM)
    print("    the page answers", flush=True)


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder outside the checkout to work in and to leave")
    keep = parser.parse_args().keep
    folder = (keep or Path(tempfile.mkdtemp(prefix="deepjscc-release-"))).resolve()
    assert ROOT.resolve() not in [folder, *folder.parents], "the folder must be outside the checkout"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DEEPJSCC"))}
    try:
        wheel = build_wheel(folder)
        check_wheel(wheel)
        programs = install(wheel, folder)
        run_commands(programs, folder, environment)
        serve(programs, folder, environment)
    finally:
        if keep is None:
            shutil.rmtree(folder)
    print("the release works")


if __name__ == "__main__":
    main()
