"""Run `train`, `evaluate` and `bulk` on a disk that is full at every write in turn, and without file descriptors.

    python tools/fuzz/limits.py

The disk is a tmpfs of 4 KiB, 8 KiB and so on, until a run fits; mounting needs root. Each run must succeed or end in
one line, and never with a traceback; with room again the same command must give what an unhindered run gives.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch
from commands import Job, finish, jobs, start, unhindered
from targets import arguments

PAGE_KB, MOST_KB = 4, 4096
MOST_DESCRIPTORS = 40


def attempt(command: list[str], errors: Path, descriptors: int | None = None) -> tuple[bool, str]:
    """Whether a command succeeded, and what is wrong with how it failed."""
    _, status = os.waitpid(start(command, errors, descriptors), 0)
    text = errors.read_text()
    if status == 0:
        return True, ""
    lines = [line for line in text.splitlines() if line.startswith("deepjscc: ")]
    return False, "" if len(lines) == 1 and "Traceback" not in text else text[-2000:] or "killed without a word"


def full_disk(job: Job, folder: Path, step_kb: int) -> Counter[str]:
    """Run a job on disks of every size."""
    found, disk = Counter[str](), folder / "disk"
    whole = folder / "whole"
    _, expected = unhindered(job, whole)
    for size in range(PAGE_KB, MOST_KB, step_kb):
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)], check=True)
        try:
            done, wrong = attempt(job.command(disk), folder / "errors")
            found["runs"] += 1
            found["no single line"] += bool(wrong)
            if wrong:
                print(f"{job.name} on {size} KiB: {wrong}", file=sys.stderr)
            if not done:
                subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
                finish(job.again(disk))
            found["wrong"] += job.result(disk) != expected
        finally:
            subprocess.run(["umount", str(disk)], check=True)
            disk.rmdir()
        if done:
            break
    shutil.rmtree(whole)
    return found


def no_descriptors(job: Job, folder: Path) -> Counter[str]:
    """Run a job with 0, 1, 2, ... file descriptors to open, until one succeeds."""
    found = Counter[str]()
    for count in range(MOST_DESCRIPTORS):
        output = folder / "output"
        output.mkdir()
        done, wrong = attempt(job.command(output), folder / "errors", count)
        found["runs"] += 1
        found["no single line"] += bool(wrong)
        if wrong:
            print(f"{job.name} with {count} descriptors: {wrong}", file=sys.stderr)
        shutil.rmtree(output)
        if done:
            break
    return found


def main(step_kb: int, only: str) -> int:
    """Run it; the exit code."""
    torch.set_num_threads(1)
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for job in jobs(folder):
            if only not in job.name:
                continue
            for kind, found in (
                ("disk", full_disk(job, folder, step_kb)),
                ("descriptors", no_descriptors(job, folder)),
            ):
                print(json.dumps({"command": job.name, "limit": kind, **found}), flush=True)
                failures += found["no single line"] + found["wrong"]
    return int(failures > 0)


if __name__ == "__main__":
    options = arguments(__doc__)
    sys.exit(main(PAGE_KB if options.count == 1000 else options.count, options.only))
