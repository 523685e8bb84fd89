"""Tables that fit the width of the terminal: constant columns are named above them, wide tables are split."""

import textwrap
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 80
GAP = 2
LONG_TEXT = 30  # a column with more characters in a cell may be wrapped where it has spaces


def cell(value: Any) -> str:
    """Format a value for a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    return str(value)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None = None) -> None:
    """Print a table that is no wider than the terminal, or 80 columns where the output is piped.

    A column with one value in all of several rows is named above the table instead. Columns that do not fit beside the
    others go into further parts below, each of which begins with the columns that tell the rows apart.

    Args:
        columns: their names.
        rows: a value for each column.
        width: in characters; None takes the terminal's.
    """
    console = Console()
    width = width or (console.width if console.is_terminal else PIPED_WIDTH)
    texts = [[cell(value) for value in row] for row in rows]
    constant, varying = _split(columns, texts)
    if constant:
        print(textwrap.fill("In every row: " + ", ".join(constant), width, break_long_words=False))
    names = [columns[index] for index in varying]
    texts = [[row[index] for index in varying] for row in texts]
    for number, part in enumerate(_parts(names, texts, width)):
        if number:
            print()
        needed = sum(_width(names, texts, index) + GAP for index in part)  # a path is not broken: it may be wider
        printer = Console(width=max(width, needed), highlight=False)
        with printer.capture() as drawn:
            printer.print(_draw(names, texts, part))
        print("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def _split(columns: Sequence[str], texts: Sequence[Sequence[str]]) -> tuple[list[str], list[int]]:
    """Find the columns that are the same in all rows, as ``name value``, and the indices of the other columns."""
    if len(texts) < 2:
        return [], list(range(len(columns)))
    same = [len({row[index] for row in texts}) == 1 for index in range(len(columns))]
    if all(same):
        same[0] = False
    constant = [f"{name} {texts[0][index]}" for index, name in enumerate(columns) if same[index]]
    return constant, [index for index in range(len(columns)) if not same[index]]


def _parts(names: Sequence[str], texts: Sequence[Sequence[str]], width: int) -> list[list[int]]:
    """Indices of the columns of each part."""
    wide = [_width(names, texts, index) for index in range(len(names))]
    if sum(wide) + GAP * (len(wide) - 1) <= width:
        return [list(range(len(names)))]
    keys = _keys(texts, len(names))
    parts: list[list[int]] = []
    room = 0
    for index in range(keys, len(names)):
        if not parts or room < wide[index] + GAP:
            parts.append(list(range(keys)))
            room = width - sum(wide[:keys]) - GAP * (keys - 1)
        parts[-1].append(index)
        room -= wide[index] + GAP
    return parts or [list(range(len(names)))]


def _keys(texts: Sequence[Sequence[str]], columns: int) -> int:
    """Count the first columns that together tell every row from the others; one if even all of them do not."""
    for count in range(1, columns):
        if len({tuple(row[:count]) for row in texts}) == len(texts):
            return count
    return 1


def _width(names: Sequence[str], texts: Sequence[Sequence[str]], index: int) -> int:
    """Characters that a column needs: all of its longest cell, or of a long text its longest word."""
    cells = [row[index] for row in texts]
    longest = max(map(len, cells), default=0)
    if _wraps(cells):
        longest = max(LONG_TEXT, *(len(word) for text in cells for word in text.split()))
    return max(len(names[index]), longest)


def _wraps(cells: Sequence[str]) -> bool:
    return any(len(text) > LONG_TEXT and " " in text for text in cells)


def _draw(names: Sequence[str], texts: Sequence[Sequence[str]], part: Sequence[int]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for index in part:
        wraps = _wraps([row[index] for row in texts])
        table.add_column(names[index], no_wrap=not wraps, overflow="fold")
    for row in texts:
        table.add_row(*(row[index] for index in part))
    return table
