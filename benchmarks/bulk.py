"""Bulk work: `python benchmarks/bulk.py [--data DIR] [--count 1000] [--side 256]`.

Sends photographs by one worker of one thread, then by two, and says how many a second each did (start-up left out), the
ratio, and the most memory any process took; the same for a tenth of the pictures, to show that memory does not grow.
Aim: two workers at least 1.8 times one. Without --data the pictures are cut from scikit-image's photographs.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from PIL import Image

from deepjscc.bulk.job import Job
from deepjscc.bulk.run import Summary, run
from deepjscc.data import open_data
from deepjscc.data.folder import open_folder
from deepjscc.images import to_picture
from deepjscc.workers import Processes


def lay_out(folder: Path, count: int, side: int, data: Path | None) -> None:
    """So many pictures, windows of photographs."""
    photos = open_folder(data) if data else open_data("samples")
    folder.mkdir()
    for index in range(count):
        picture: Image.Image = to_picture(photos[index % len(photos)])
        turn = index // len(photos)
        left = 37 * turn % max(1, picture.width - side)
        top = 53 * turn % max(1, picture.height - side)
        picture.crop((left, top, left + side, top + side)).save(folder / f"{index:06d}.png", compress_level=1)


class MostMemory:
    """The most memory that this process and its children took together and the largest of them alone, in MiB."""

    def __init__(self) -> None:
        self.largest = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "MostMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        me = str(os.getpid())
        while not self._done.wait(0.2):
            for status in Path("/proc").glob("[0-9]*/status"):
                try:
                    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
                except OSError:
                    continue
                if me in (lines.get("PPid", "").strip(), lines.get("Pid", "").strip()) and "VmHWM" in lines:
                    self.largest = max(self.largest, int(lines["VmHWM"].split()[0]) / 1024)


def timed(source: Path, output: Path, workers: int) -> tuple[float, float]:
    """Pictures a second after the first shards are in, and the largest process."""
    ended: list[tuple[float, int]] = []

    def note(summary: Summary) -> None:
        ended.append((time.perf_counter(), summary.images))

    with MostMemory() as memory:
        run(Job(str(source), str(output), bandwidth_ratio=1 / 8), Processes(workers), 8, note)
    first, last = ended[2 * workers], ended[-1]
    return (last[1] - first[1]) / (last[0] - first[0]), memory.largest


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--side", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lay_out(folder / "all", options.count, options.side, options.data)
        lay_out(folder / "tenth", options.count // 10, options.side, options.data)
        rates = {}
        for source, workers in (("tenth", 1), ("all", 1), ("all", 2)):
            rates[workers], memory = timed(folder / source, folder / f"{source}-{workers}", workers)
            pictures = options.count // (10 if source == "tenth" else 1)
            print(
                f"{pictures} pictures, {workers} worker(s): {rates[workers]:.2f} a second, {memory:.0f} MiB", flush=True
            )
    print(f"two workers against one: {rates[2] / rates[1]:.2f}")


if __name__ == "__main__":
    main()
