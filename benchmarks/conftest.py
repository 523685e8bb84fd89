"""What the machine can do at most, measured in the same run, and what every benchmark says beside its time."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from deepjscc.data.samples import sample_path
from deepjscc.images import read_image, to_float
from deepjscc.types import Images, Size

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@dataclass(frozen=True)
class Ceilings:
    """Per second: operations of a large product of matrices and of a wide 3x3 convolution, bytes of a large copy."""

    matmul_fp32: float
    matmul_bf16: float
    convolution_fp32: float
    convolution_bf16: float
    copied_bytes: float


def best_of(job: Callable[[], object], rounds: int = 30) -> float:
    """Least seconds of some calls: a ceiling is what nothing disturbed."""
    job()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        job()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure_ceilings(device: str) -> Ceilings:
    """Of this machine with the threads it has now."""
    side, features, pixels = 2048, 128, 96
    block = torch.empty(2**26, dtype=torch.uint8, device=device)
    found = {"copied_bytes": 2 * block.nbytes / best_of(lambda: block.clone())}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        square = torch.rand(side, side, device=device).to(kind)
        found[f"matmul_{name}"] = 2 * side**3 / best_of(lambda square=square: square @ square)
        layer = torch.nn.Conv2d(features, features, 3, padding=1).to(device, kind, memory_format=torch.channels_last)
        maps = torch.rand(4, features, pixels, pixels, device=device).to(kind, memory_format=torch.channels_last)
        operations = 2 * 4 * pixels**2 * features**2 * 9
        with torch.no_grad():
            found[f"convolution_{name}"] = operations / best_of(lambda layer=layer, maps=maps: layer(maps))
    return Ceilings(**found)


def photograph(size: Size, batch: int = 1) -> Images:
    """The coffee cup at a size, as a batch of its copies."""
    photo = to_float(read_image(sample_path("coffee")))
    scaled = torch.nn.functional.interpolate(photo, size, mode="bilinear", antialias=True)
    return scaled.expand(batch, -1, -1, -1).contiguous()


def _linear_operations(values: tuple[int, ...], weight: tuple[int, ...], *_: object, **__: object) -> int:
    """Of oneDNN's product, which the counter does not know."""
    return 2 * math.prod(values) * weight[0]


COUNTED = {torch.ops.mkldnn._linear_pointwise: _linear_operations}


def operations_of(job: Callable[[], object]) -> float:
    """Floating-point operations of a call's convolutions and products of matrices."""
    with FlopCounterMode(display=False, custom_mapping=COUNTED) as counter:
        job()
    return float(counter.get_total_flops())


class PeakMemory:
    """The most memory the process held while this was open, above what it held before; None where nobody knows."""

    def __enter__(self) -> "PeakMemory":
        self.mebibytes: float | None = None
        self._before = _resident("VmRSS")
        try:
            Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        except OSError:
            self._before = None
        return self

    def __exit__(self, *_: object) -> None:
        peak = _resident("VmHWM")
        if self._before is not None and peak is not None:
            self.mebibytes = max(0.0, peak - self._before)


def _resident(key: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), None)


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, object]) -> None:
    """The limits go into the JSON with the times."""
    machine_info["threads"] = torch.get_num_threads()
    machine_info["torch"] = torch.__version__
    machine_info["ceilings"] = {device: asdict(measure_ceilings(device)) for device in DEVICES}
