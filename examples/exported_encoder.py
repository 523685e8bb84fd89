"""A camera without torch: an exported encoder's symbols as an I/Q recording that `deepjscc decode` reads.

python examples/exported_encoder.py                            # the whole way, there and back
python examples/exported_encoder.py FOLDER PICTURE RECORDING   # what the camera does, with numpy, Pillow and OpenVINO
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import openvino
from PIL import Image

MODEL = "cnn-c16-awgn-10db"
HEADER_USES = 192  # what a header costs, for models that have one: three bytes at 1/8 bit a use


def encoded(folder: Path, pixels: np.ndarray, snr_db: float, uses: int) -> tuple[np.ndarray, list[str]]:
    """Run the encoder of ``folder`` over 8-bit pixels ``[height, width, 3]``.

    Returns:
        Complex symbols of mean power 1, and the side information of models that have a header, in hex.
    """
    # Processors that have bf16 would use it, and the symbols would be off by some thousandths.
    encoder = openvino.Core().compile_model(folder / "encoder.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    inputs = {
        "images": pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255,
        "snr_db": np.array([snr_db], np.float32),
        "uses": np.array([uses]),
    }
    # Not every model looks at the SNR, and only those with a header are told how many symbols to send.
    made = encoder({port.any_name: inputs[port.any_name] for port in encoder.inputs})
    pairs = np.ascontiguousarray(made["symbols"][0], "<f4")  # [uses, 2]
    if len(encoder.outputs) == 1:
        return pairs.view("<c8")[:, 0], []
    return pairs[:uses].view("<c8")[:, 0], [bytes(made["header"][0].tolist()).hex()]


def write_recording(recording: Path, symbols: np.ndarray, frame: dict[str, object]) -> None:
    """``RECORDING.sigmf-data`` and ``.sigmf-meta``, as docs/iq_files.md describes them."""
    raw = symbols.tobytes()
    about = {
        "core:datatype": "cf32_le",
        "core:num_channels": 1,
        "core:version": "1.2.6",
        "core:sha512": hashlib.sha512(raw).hexdigest(),
        "core:extensions": [{"name": "deepjscc", "version": "0.1.0", "optional": False}],
        "deepjscc:frame": frame,
    }
    meta = {"global": about, "captures": [{"core:sample_start": 0}], "annotations": []}
    Path(f"{recording}.sigmf-data").write_bytes(raw)
    Path(f"{recording}.sigmf-meta").write_text(json.dumps(meta, indent=2))


def send(folder: Path, picture: Path, recording: Path) -> None:
    """What the camera does: a picture to a recording."""
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    symbols, side_info = encoded(folder, pixels, snr_db=10.0, uses=pixels.size // 12 - HEADER_USES)
    frame = json.loads((folder / "model.json").read_text())["framing"]["deepjscc:frame"]
    known = {"height": pixels.shape[0], "width": pixels.shape[1], "uses": len(symbols), "side_info": side_info}
    write_recording(recording, symbols, frame | known)
    power = np.mean(np.abs(symbols) ** 2)
    print(f"{recording}: {len(symbols)} symbols, mean power {power:.4f}; torch loaded: {'torch' in sys.modules}")


def main() -> None:
    """Export, send, pass a channel, decode."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        rows, columns = np.mgrid[:64, :96].astype(np.float32)
        pixels = np.stack([rows * 3, columns * 2, 128 + 60 * np.sin(rows / 9) * np.cos(columns / 7)], 2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(here / "picture.png")
        deepjscc = [sys.executable, "-m", "deepjscc"]
        for command in (
            [*deepjscc, "export", MODEL, "-o", str(here / "camera")],
            [sys.executable, __file__, str(here / "camera"), str(here / "picture.png"), str(here / "sent")],
            [*deepjscc, "channel", str(here / "sent"), "-o", str(here / "received"), "--snr-db", "10"],
            [*deepjscc, "decode", str(here / "received"), "-o", str(here / "got.png")],
        ):
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(done.stdout.replace(f"{here}/", ""), end="")
        sent, got = (np.asarray(Image.open(here / name), np.float64) for name in ("picture.png", "got.png"))
        print(f"PSNR {10 * np.log10(255**2 / np.mean((sent - got) ** 2)):.2f} dB at 10 dB")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        send(*map(Path, sys.argv[1:]))
    else:
        main()
