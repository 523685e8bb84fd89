"""Kill `train`, `evaluate` and `bulk` at random moments, go on with each, and compare with a run that nobody killed.

    python tools/fuzz/kills.py --count 20 --seed 0

Each run is a forked process that is killed by SIGKILL at a moment drawn uniformly over the time that a whole run takes;
the same command then runs to its end (`train` with ``--resume``, where a state was kept). Weights, table rows, pictures
and reports must be those of the unbroken run, bit by bit, and nothing else may lie beside them.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch
from commands import finish, jobs, left_over, start, unhindered
from targets import arguments


def kill_after(command: list[str], seconds: float) -> bool:
    """Run a command and kill it after some time; False where it had ended before."""
    process = start(command)
    time.sleep(seconds)
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def main(count: int, seed: int, only: str) -> int:
    """Run it; the exit code."""
    torch.set_num_threads(1)
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for job in jobs(folder):
            if only not in job.name:
                continue
            whole = folder / job.name
            seconds, expected = unhindered(job, whole)
            draws, killed, wrong, left = random.Random(f"{seed} {job.name}"), 0, 0, 0
            for trial in range(count):
                output = folder / f"{job.name}-{trial}"
                output.mkdir()
                killed += kill_after(job.command(output), draws.uniform(0, seconds))
                for _ in range(draws.randrange(3)):
                    killed += kill_after(job.again(output), draws.uniform(0, seconds))
                finish(job.again(output))
                wrong += job.result(output) != expected
                beside = left_over(output, whole)
                left += bool(beside)
                if beside:
                    print(f"{job.name}: left over: {beside[:5]}", file=sys.stderr)
                shutil.rmtree(output)
            line = {"command": job.name, "runs": count, "kills": killed, "whole_run_s": round(seconds, 2)}
            print(json.dumps(line | {"wrong": wrong, "left_over": left}), flush=True)
            failures += wrong + left
    return int(failures > 0)


if __name__ == "__main__":
    options = arguments(__doc__)
    sys.exit(main(options.count, options.seed, options.only))
