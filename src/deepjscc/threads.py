"""Threads of OpenMP: they wait without spinning, and there are no more of them than the machine has free cores.

This module must not import torch: OpenMP reads its environment once, when its library is loaded.
"""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, overload

PASSIVE = {
    "OMP_WAIT_POLICY": "PASSIVE",  # the standard's name
    "GOMP_SPINCOUNT": "0",  # of GCC's OpenMP, which the Linux builds of torch bring along
    "KMP_BLOCKTIME": "0",  # of LLVM's and Intel's OpenMP, in milliseconds
}
_Result = TypeVar("_Result")
_Other = TypeVar("_Other")
SAMPLE_S = 0.1  # ten ticks of the kernel's clock: busy cores are known to a tenth


def wait_passively() -> None:
    """Have OpenMP's threads sleep while they wait, in this process and in those it starts.

    Spinning threads take cores away from one another as soon as another program runs: a sweep beside one busy process
    is ten times slower. A value that the user has set stays. It takes effect where torch is imported afterwards.
    """
    for name, value in PASSIVE.items():
        os.environ.setdefault(name, value)


def limit_threads(count: int) -> None:
    """Set the number of threads of torch in this process and in those it starts."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


@overload
def side_by_side(first: Callable[[], _Result], second: Callable[[], _Other], /) -> tuple[_Result, _Other]: ...
@overload
def side_by_side(*tasks: Callable[[], _Result]) -> tuple[_Result, ...]: ...
def side_by_side(*tasks: Callable[[], Any]) -> tuple[Any, ...]:
    """Run tasks at once, each in a thread, and return their results in order; the first error is raised.

    Worth it for tasks that spend their time outside the interpreter, as image codecs do. On one core they take turns.
    """
    if len(tasks) < 2 or usable_cores() < 2:
        return tuple(task() for task in tasks)
    with ThreadPoolExecutor(len(tasks)) as pool:
        return tuple(future.result() for future in [pool.submit(task) for task in tasks])


def usable_cores() -> int:
    """Cores that this process may use: its affinity, and the processor quota of its container."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # Windows and macOS have no affinity to ask for
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota() or cores))


def free_cores() -> int:
    """Usable cores that are idle now, at least one; it takes a tenth of a second on Linux."""
    usable = usable_cores()
    return max(1, min(usable, round(usable - _busy_cores())))


def _quota() -> int | None:
    """Whole cores of the processor time that the control group (version 2) allows; None without a limit."""
    try:
        allowed, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if allowed == "max" else int(allowed) // int(period)
    except (OSError, ValueError):
        return None


def _busy_cores() -> float:
    """Mean number of the usable cores that were busy for :data:`SAMPLE_S`; else the load of the last minute."""
    before = _ticks()
    if before is not None:
        time.sleep(SAMPLE_S)
        after = _ticks()
        if after is not None and after[1] > before[1]:
            idle, every = after[0] - before[0], after[1] - before[1]
            return usable_cores() * (1 - idle / every)
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no load average
        return 0.0


def _ticks() -> tuple[int, int] | None:
    """Ticks of the clock that the usable cores were idle, and in all; None where the kernel does not say."""
    try:
        usable = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    except (AttributeError, OSError):
        return None
    counts = [[int(value) for value in values[:8]] for name, *values in lines if name in usable]
    if not counts:
        return None
    return sum(row[3] + row[4] for row in counts), sum(map(sum, counts))  # 3: idle, 4: waiting for a disk
