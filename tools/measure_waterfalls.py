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

from deepjscc.digital.fine.thresholds import interpolate, limit_db, rough_log2
from deepjscc.digital.fine.waterfalls import Point, fit, measure

RATES = (
    *(0.5, 0.83, 0.2, 0.3334, 0.67, 0.93, 0.1, 0.15, 0.175, 0.125, 0.26, 0.29, 0.2505, 0.25, 0.42, 0.75),
    *(0.88, 0.71, 0.79, 0.58, 0.46),
)
BLOCK_BITS = (48, 120, 290, 1000)
LONGEST_OF_GRAPH_2 = 3824  # information bits of a block at rates above 1/4
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
    """Fit the waterfalls of each rate; the longest blocks, where not measured, have the centre of the next shorter.

    At rates from 1/4 to 1/3 blocks beyond 3824 bits have base graph 1, which repeats bits there, shorter ones graph 2,
    which does not: the gaps of the latter are interpolated between those two rates.
    """
    fits = {rate: fit([one for one in points if one.rate == rate]) for rate in sorted({one.rate for one in points})}
    short = min(one.block_bits for one in points)

    def gap(rate: float, length: int) -> float:
        lengths = sorted(fits[rate][0])
        gaps = [fits[rate][0][one] - limit_db(rate) for one in lengths]
        return interpolate(rough_log2(float(length)), [rough_log2(float(one)) for one in lengths], gaps)

    rows: list[tuple[object, ...]] = []
    for rate, (centres, width) in fits.items():
        centres, shown = dict(centres), rate
        if 0.25 < rate < 0.3334:
            part = (rate - 0.25) / (0.3334 - 0.25)
            centres[LONGEST_OF_GRAPH_2 + 1] = centres[max(centres)]
            for length in (short, LONGEST_OF_GRAPH_2):
                centres[length] = limit_db(rate) + (1 - part) * gap(0.25, length) + part * gap(0.3334, length)
            if rate < 0.251:
                shown = 0.25001  # stands for all rates just above 1/4
        elif short not in centres:  # as much above the long blocks of this rate as at the nearest rate that has both
            known, _ = min(((c, abs(r - rate)) for r, (c, _) in fits.items() if short in c), key=lambda one: one[1])
            centres[short] = centres[max(centres)] + known[short] - known[max(known)]
        centres.setdefault(LONGEST[rate <= 0.25][1], centres[max(centres)])
        for length, centre in sorted(centres.items()):
            rows.append((shown, length, f"{centre:.4f}", f"{width / math.ceil(length / rate) ** 0.5:.4f}"))
    write(folder / "thresholds.csv", "rate,block_bits,centre_db,width_db\n", rows)


if __name__ == "__main__":
    main()
