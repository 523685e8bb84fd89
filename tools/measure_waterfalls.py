"""Measures the block error rates that `ldpc-fine` plans with, and fits the table of thresholds.

    python tools/measure_waterfalls.py src/deepjscc/digital/fine

writes ``waterfalls.csv`` (every point with its blocks and errors) after each waterfall, goes on with those that are
there, and ``thresholds.csv`` (centre and width of each waterfall).
"""

import csv
import math
import sys
import time
from dataclasses import astuple
from pathlib import Path

import torch

from deepjscc.digital.fine.waterfalls import Point, fit, measure

RATES = (0.5, 0.83, 0.2, 0.3334, 0.67, 0.93, 0.1, 0.15, 0.175, 0.125, 0.25, 0.42, 0.75)
BLOCK_BITS = (48, 120, 290, 1000)
LONGEST = {True: (3824, 15360), False: (8448, 33792)}  # by whether the rate is at most 1/4
FIELDS = "rate,block_bits,snr_db,blocks,errors\n"


def read(path: Path) -> list[Point]:
    """Points of a table, none where there is no table."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [Point(float(r), int(k), float(s), int(n), int(e)) for r, k, s, n, e in list(csv.reader(file))[1:]]


def write(path: Path, header: str, rows: list[tuple[object, ...]]) -> None:
    """Write a table beside its place, then move it there."""
    beside = path.with_suffix(".part")
    beside.write_text(header + "".join(",".join(map(str, row)) + "\n" for row in rows))
    beside.rename(path)


def main() -> None:
    """Measure what is missing in the folder of the first argument; a second one is the number of blocks a point."""
    torch.set_num_threads(1)
    folder, blocks = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 600
    points = read(folder / "waterfalls.csv")
    for column in (4, 1, 3, 0, 2, 5):  # long, middle and short blocks first
        for rate in RATES:
            length = (*BLOCK_BITS, *LONGEST[rate <= 0.25])[column]
            if not any((one.rate, one.block_bits) == (rate, length) for one in points):
                started = time.monotonic()
                fresh = measure(rate, length, blocks=blocks if length < 9000 else blocks // 2, errors=40, target=0.02)
                points = sorted([*points, *fresh], key=lambda one: (one.rate, one.block_bits, one.snr_db))
                write(folder / "waterfalls.csv", FIELDS, [astuple(one) for one in points])
                write_thresholds(folder, points)
                print(rate, length, fit(fresh), f"{time.monotonic() - started:.0f} s", flush=True)


def write_thresholds(folder: Path, points: list[Point]) -> None:
    """Fit the waterfalls of each rate; the longest blocks, where not measured, have the centre of the next shorter."""
    rows: list[tuple[object, ...]] = []
    for rate in sorted({one.rate for one in points}):
        centres, width = fit([one for one in points if one.rate == rate])
        longest = LONGEST[rate <= 0.25][1]
        centres.setdefault(longest, centres[max(centres)])
        for length, centre in sorted(centres.items()):
            rows.append((rate, length, f"{centre:.4f}", f"{width / math.ceil(length / rate) ** 0.5:.4f}"))
    write(folder / "thresholds.csv", "rate,block_bits,centre_db,width_db\n", rows)


if __name__ == "__main__":
    main()
