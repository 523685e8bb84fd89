"""Writes the two base graphs of the 5G LDPC code (3GPP TS 38.212, tables 5.3.2-2 and 5.3.2-3) as one compact CSV file.

Sionna ships the tables as data; this script reads them from there:

    python tools/make_nr_base_graphs.py src/deepjscc/digital/fine/base_graphs.csv
"""

import csv
import sys
from importlib.resources import files
from pathlib import Path

HEADER = ["graph", "row", "column", *(f"shift_{index}" for index in range(8))]


def entries(graph: int) -> list[list[int]]:
    """Entries of one base graph as Sionna has them: graph, row, column and the shift of each of the eight sets."""
    source = files("sionna.phy.fec.ldpc.codes").joinpath(f"5G_bg{graph}.csv").read_text()
    table, row = [], -1
    for cells in list(csv.reader(source.splitlines(), delimiter=";"))[2:]:
        row = int(cells[0]) if cells[0] else row
        table.append([graph, row, *map(int, cells[1:10])])
    return table


def main() -> None:
    """Write both graphs to the path of the first argument."""
    lines = [HEADER, *entries(1), *entries(2)]
    Path(sys.argv[1]).write_text("".join(",".join(map(str, line)) + "\n" for line in lines))


if __name__ == "__main__":
    main()
