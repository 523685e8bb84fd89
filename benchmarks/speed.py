"""How fast the main job is, against what it is measured by: `python benchmarks/speed.py [--json]`.

Alternatives run in turn (A B A B …) and medians are compared, so that a machine that changes its pace does not matter.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from deepjscc.channels import AWGN
from deepjscc.data.samples import sample_path
from deepjscc.images import read_image, to_float
from deepjscc.models import Cnn
from deepjscc.systems import Link
from deepjscc.zoo import load

ROUNDS = 15


def interleaved(jobs: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each job, run in turn after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


@torch.no_grad()
def send_photographs() -> dict[str, float]:
    """Encode, channel and decode of a 768x512 photograph at ratio 1/8, without start-up.

    Aims: `linear` under 0.15 s; `universal-s` under 0.7 s, a thirtieth of what a Swin-Transformer code of 28 M
    parameters takes on two cores.
    """
    photo = to_float(read_image(sample_path("coffee")))
    photo = torch.nn.functional.interpolate(photo, (512, 768), mode="bilinear")
    snr_db = torch.tensor([10.0])
    links = {name: Link(load(name), AWGN(), bandwidth_ratio=1 / 8) for name in ("linear", "universal-s")}

    def job(link: Link, precision: torch.dtype) -> Callable[[], object]:
        def send() -> object:
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                return link.transmit(photo, snr_db)

        return send

    jobs = {f"{name}_768x512_s": job(link, torch.float32) for name, link in links.items()}
    return interleaved(jobs | {"universal-s_bf16_768x512_s": job(links["universal-s"], torch.bfloat16)})


@torch.no_grad()
def cnn_forward() -> dict[str, float]:
    """The `cnn` at batch 128 of 32x32: as it is (channels_last) and with the default layout forced on every layer."""
    images, snr_db = torch.rand(128, 3, 32, 32), torch.full((128,), 10.0)
    ours = Cnn(filters=16).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = Cnn(filters=16).eval()
    plain.load_state_dict(ours.state_dict())

    def default_layout() -> torch.Tensor:
        latent = plain.encoder(images)
        return plain.decoder(latent)

    def channels_last() -> torch.Tensor:
        latent = ours.analyse(images, snr_db)
        return ours.synthesise(latent, (32, 32), snr_db)

    def channels_last_bf16() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return channels_last()

    jobs = {"default": default_layout, "channels_last": channels_last, "channels_last_bf16": channels_last_bf16}
    theirs = kaira_forward(images)
    seconds = interleaved(jobs if theirs is None else jobs | {"pykaira": theirs})
    return {
        **{f"cnn_batch128_{name}_s": value for name, value in seconds.items()},
        "cnn_speedup_channels_last": seconds["default"] / seconds["channels_last"],
        "cnn_speedup_channels_last_bf16": seconds["default"] / seconds["channels_last_bf16"],
    }


def kaira_forward(images: torch.Tensor) -> Callable[[], object] | None:
    """The same network by `pykaira`, where it is installed (it needs torchvision): encoder and decoder, no channel."""
    try:
        from kaira.models.image import bourtsoulatze2019_deepjscc as kaira
    except ImportError:
        return None
    encoder = kaira.Bourtsoulatze2019DeepJSCCEncoder(16).eval()
    decoder = kaira.Bourtsoulatze2019DeepJSCCDecoder(16).eval()
    return lambda: decoder(encoder(images))


def start_up() -> dict[str, float]:
    """Whole processes: `import deepjscc` and `deepjscc --help`. Aim: under 1 s each."""

    def process(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    seconds = interleaved({"import": process("-c", "import deepjscc"), "help": process("-m", "deepjscc", "--help")}, 5)
    return {f"start_{name}_s": value for name, value in seconds.items()}


def main() -> None:
    """Print every figure."""
    figures = {"threads": float(torch.get_num_threads()), **send_photographs(), **cnn_forward(), **start_up()}
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:36} {value:.4f}")


if __name__ == "__main__":
    main()
