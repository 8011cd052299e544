"""Lists on a terminal: a table where the columns fit, else two lines an entry. In a pipe: tab-separated lines, whole.

A column is never squeezed below its `least` width, and one without it (ids, times) is never cut at all: an id that
cannot be copied is of no use. What a terminal is too narrow for goes to a second line, each value under its name.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailscribe_local.cli.output import is_terminal

if TYPE_CHECKING:
    from rich.text import Text

_GAP: Final = 2
_INDENT: Final = 2

type Row = Sequence[str]


def _plain(_: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading; the width below which it is of no use (0: it is never cut); whether it goes to the
    second line where there are two; how a value is styled.
    """

    name: str
    least: int = 0
    is_detail: bool = False
    style: Callable[[str], str] = _plain


def print_rows(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """The rows as fits where they go."""
    if not is_terminal():
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
        return
    from rich.console import Console  # noqa: PLC0415 - only terminals need it

    console = Console(highlight=False, soft_wrap=True)
    for line in layout(columns, rows, console.width):
        console.print(line)


def layout(columns: Sequence[Column], rows: Sequence[Row], width: int) -> "list[Text]":
    """The lines to draw on a terminal of `width` characters."""
    widths = _widths(columns, rows, width)
    if widths is None:
        return [line for row in rows for line in _entry(columns, row, width)]
    heading = [(_cell(column.name, size), "bold") for column, size in zip(columns, widths, strict=True)]
    return [_line(heading)] + [
        _line(
            [(_cell(text, size), column.style(text)) for column, size, text in zip(columns, widths, row, strict=True)]
        )
        for row in rows
    ]


def _widths(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[int] | None:
    """The columns' widths in a table; None when they do not fit."""
    from rich.cells import cell_len  # noqa: PLC0415 - only terminals need it

    wanted = [max(map(cell_len, (column.name, *texts))) for column, *texts in zip(columns, *rows, strict=True)]
    least = [min(column.least or want, want) for column, want in zip(columns, wanted, strict=True)]
    spare = width - sum(least) - _GAP * (len(columns) - 1)
    if spare < 0:
        return None
    widths = least
    while spare and (short := [number for number, want in enumerate(wanted) if widths[number] < want]):
        widths[min(short, key=widths.__getitem__)] += 1
        spare -= 1
    return widths


def _entry(columns: Sequence[Column], row: Row, width: int) -> "list[Text]":
    """A row on two lines or more: the last column of the first gets what is left of it, the details wrap."""
    cells = list(zip(columns, row, strict=True))
    *first, (title, text) = [cell for cell in cells if not cell[0].is_detail]
    left = width - sum(len(value) + _GAP for _, value in first)
    head = [(value, column.style(value)) for column, value in first]
    details = [cell for cell in cells if cell[0].is_detail]
    if left < title.least:
        details.append((title, text))
    else:
        head.append((_cell(text, left), title.style(text)))
    return [_line(head), *_details(details, width)]


def _details(cells: "Sequence[tuple[Column, str]]", width: int) -> "list[Text]":
    from rich.text import Text  # noqa: PLC0415 - only terminals need it

    lines: list[Text] = []
    for column, text in cells:
        if not text:
            continue
        shown = _cell(text, width - _INDENT - len(column.name) - 1).rstrip()
        item = _line([(f"{column.name} ", "dim"), (shown, column.style(text))], gap=0)
        if lines and lines[-1].cell_len + _GAP + item.cell_len <= width:
            lines[-1].append(" " * _GAP).append_text(item)
        else:
            lines.append(Text(" " * _INDENT).append_text(item))
    return lines


def _line(cells: Sequence[tuple[str, str]], gap: int = _GAP) -> "Text":
    from rich.text import Text  # noqa: PLC0415 - only terminals need it

    line = Text()
    for number, (text, style) in enumerate(cells):
        line.append(text if number == 0 else " " * gap + text, style or None)
    line.rstrip()
    return line


def _cell(text: str, width: int) -> str:
    """Text of exactly `width` columns on a terminal; what is cut ends in an ellipsis."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - only terminals need it

    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"
