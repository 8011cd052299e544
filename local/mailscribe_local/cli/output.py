"""What people see: notes on standard error, tables on a terminal, JSON lines for machines.

Text that came by mail never reaches a terminal as it is: control characters are shown, not sent.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

# C0 but tab and line feed, DEL, C1, and the marks that turn the direction of writing
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

type Document = dict[str, Any]


def say(line: str) -> None:
    """A line for the person, not for the pipe."""
    print(line, file=sys.stderr, flush=True)


def write_json(value: object) -> None:
    """One JSON document on a line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def safe(text: str) -> str:
    r"""Text with its control characters made visible, so that no mail drives a terminal.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str | None, width: int) -> str:
    """Text on one line of at most `width` characters."""
    flat = " ".join(safe(text or "").split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns on a terminal; tab-separated lines in a pipe."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console  # noqa: PLC0415 - only terminals need it
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        grid.add_column(heading, overflow="fold" if heading == "id" else "ellipsis", no_wrap=heading != "id")
    for row in rows:
        grid.add_row(*(escape(cell) for cell in row))
    Console().print(grid)


def local_time(text: str) -> str:
    """An ISO date-time of the API in the time zone of this machine, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(count: int) -> str:
    """A size in bytes for people.

    >>> size(999), size(2048), size(5_242_880)
    ('999 B', '2.0 KB', '5.0 MB')
    """
    for unit, scale in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"
