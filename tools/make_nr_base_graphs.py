"""Writes the two base graphs of the 5G LDPC code (3GPP TS 38.212, tables 5.3.2-2 and 5.3.2-3) as one compact CSV file.

Sionna ships the tables as data; this script reads them from there:

    python tools/make_nr_base_graphs.py src/deepjscc/digital/fine/base_graphs.csv
"""

import csv
import sys
from importlib.util import find_spec
from pathlib import Path

HEADER = ["graph", "row", "column", *(f"shift_{index}" for index in range(8))]


def entries(graph: int) -> list[list[int]]:
    """Entries of one base graph as Sionna has them: graph, row, column and the shift of each of the eight sets."""
    package = find_spec("sionna")  # found, not imported, which takes seconds
    if package is None or not package.submodule_search_locations:
        raise SystemExit("Sionna is not installed: pip install 'deepjscc[digital]'")
    source = Path(package.submodule_search_locations[0]) / f"phy/fec/ldpc/codes/5G_bg{graph}.csv"
    table, row = [], -1
    for cells in list(csv.reader(source.read_text().splitlines(), delimiter=";"))[2:]:
        row = int(cells[0]) if cells[0] else row
        table.append([graph, row, *map(int, cells[1:10])])
    return table


def text() -> str:
    """The whole file."""
    return "".join(",".join(map(str, line)) + "\n" for line in [HEADER, *entries(1), *entries(2)])


def main() -> None:
    """Write both graphs to the path of the first argument."""
    Path(sys.argv[1]).write_text(text())


if __name__ == "__main__":
    main()
