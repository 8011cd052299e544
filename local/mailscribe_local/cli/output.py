"""What people see: notes on standard error, text on a terminal, JSON lines for machines.

Text that came by mail never reaches a terminal as it is: control characters are shown, not sent. A pipe gets text
and JSON whole; only what is drawn on a terminal is ever cut.
"""

import json
import re
import sys
from datetime import datetime
from typing import Any, Final

# C0 but tab and line feed, DEL, C1, the line and paragraph separators, and what turns the direction of writing
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

type Document = dict[str, Any]


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def say(text: str) -> None:
    """A line, or several, for the person, not for the pipe."""
    print(safe(text), file=sys.stderr, flush=True)


def write_json(value: object) -> None:
    """One JSON document on a line; what a terminal would obey is escaped, as JSON allows everywhere in a string."""
    text = json.dumps(value, ensure_ascii=False)
    print(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text), flush=True)


def write_text(text: str) -> None:
    """Text that came by mail: line ends are LF, the last line has one."""
    text = safe(text.replace("\r\n", "\n"))
    print(text, end="" if text.endswith("\n") or not text else "\n")


def safe(text: str) -> str:
    r"""Text with its control characters made visible, so that no mail drives a terminal.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str | None) -> str:
    r"""Text on one line, white space folded.

    >>> one_line("a\n  b\tc")
    'a b c'
    """
    return " ".join(safe(text or "").split())


def local_time(text: str) -> str:
    """An ISO date-time of the API in the time zone of this machine, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def short_time(text: str, now: datetime) -> str:
    """An ISO date-time for a narrow column, in the time zone of `now`: the time of today, else month and day, or date.

    >>> now = datetime.fromisoformat("2026-11-23T12:00:00+01:00")
    >>> [short_time(f"{day}T09:30:00Z", now) for day in ("2026-11-23", "2026-11-02", "2025-11-23")]
    ['10:30:00', '11-02 10:30', '2025-11-23']
    """
    moment = datetime.fromisoformat(text).astimezone(now.tzinfo)
    if moment.date() == now.date():
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%m-%d %H:%M" if moment.year == now.year else "%Y-%m-%d")


def size(count: int) -> str:
    """A size in bytes for people.

    >>> size(999), size(2048), size(5_242_880)
    ('999 B', '2.0 KB', '5.0 MB')
    """
    for unit, scale in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"
