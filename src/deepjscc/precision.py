"""The precision of networks: single precision, or bfloat16 where the processor has it and it is faster."""

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import torch

Precision = Literal["fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
WORTH_IT = 1.1  # times faster, below which numbers rather stay what they are
ROUNDS = 5


def computed_in(precision: Precision, device: str = "cpu") -> AbstractContextManager[object]:
    """A context in which convolutions and products of matrices are computed so; all else stays in single precision.

    Args:
        precision: of the networks.
        device: where they are computed, as torch names it.
    """
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")


def fastest_precision(work: Callable[[], object]) -> Precision:
    """Measure some work in each precision, in turn, and say which to take.

    bfloat16 has 8 bits of mantissa: a picture changes by about its last bit. Without AVX512-BF16 or AMX it is emulated,
    and never tried.
    """
    if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return "fp32"
    seconds: dict[Precision, list[float]] = {precision: [] for precision in PRECISIONS}
    for round_ in range(ROUNDS + 1):
        for precision in PRECISIONS:
            with torch.no_grad(), computed_in(precision):
                start = time.perf_counter()
                work()
                if round_:  # the first is for warming up
                    seconds[precision].append(time.perf_counter() - start)
    single, half = (statistics.median(seconds[precision]) for precision in PRECISIONS)
    return "bf16" if single > WORTH_IT * half else "fp32"
