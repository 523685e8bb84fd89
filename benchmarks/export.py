"""Exported graphs in OpenVINO against PyTorch on the same threads: `python benchmarks/export.py [--json]`.

Both run in turn (A B A B …), medians are compared. OpenVINO computes in float32, as PyTorch does.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from deepjscc.export.openvino_file import runner
from deepjscc.export.verify import pictures
from deepjscc.export.write import export_model
from deepjscc.types import LinkPlan, Received
from deepjscc.zoo import load
from speed import interleaved

JOBS = {"cnn-c16-awgn-10db": (128, (32, 32)), "adaptive": (1, (512, 768))}


@torch.inference_mode()
def measure(name: str, count: int, size: tuple[int, int]) -> dict[str, float]:
    """Seconds of encoder and decoder, of the model and of the files."""
    model, threads = load(name), torch.get_num_threads()
    images, snr_db = pictures(count, size), torch.full((count,), 10.0)
    symbols = model.encode(images, LinkPlan(snr_db)).symbols
    received = Received(symbols, torch.full(symbols.shape, 0.1), None, snr_db)
    arrays = {
        "images": images.numpy(),
        "snr_db": snr_db.numpy(),
        "symbols": torch.view_as_real(symbols).numpy(),
        "size": np.array(size),
    }
    with tempfile.TemporaryDirectory() as folder:
        export_model(name, Path(folder), ("openvino",))
        encoder, decoder = (runner(Path(folder) / f"{part}.xml", name, threads) for part in ("encoder", "decoder"))
        jobs: dict[str, Callable[[], object]] = {
            "encoder_pytorch": lambda: model.encode(images, LinkPlan(snr_db)),
            "encoder_openvino": lambda: encoder(arrays),
            "decoder_pytorch": lambda: model.decode(received, size),
            "decoder_openvino": lambda: decoder(arrays),
        }
        seconds = interleaved(jobs)
    return {f"{name}_{count}x{size[1]}x{size[0]}_{job}_s": value for job, value in seconds.items()}


def main() -> None:
    """Print every figure."""
    figures = {"threads": float(torch.get_num_threads())}
    for name, (count, size) in JOBS.items():
        figures |= measure(name, count, size)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:48} {value:.4f}")


if __name__ == "__main__":
    main()
