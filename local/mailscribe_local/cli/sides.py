"""Two conversations side by side: what is recorded, what is said now, and between them where they differ.

A terminal gets two columns as wide as it is, long lines folded; a pipe gets each line whole. Lines of a reply stand
beside those that are like them, so that one extension more or less does not move all that follow.
"""

import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from mailscribe.records import Tls
from mailscribe.smtp import LiveClassic, Note, NoteEvent
from mailscribe.smtp.playing import Fate, Played
from mailscribe.smtp.replay import Step, code_of
from mailscribe_local.cli.output import is_terminal, safe

SAME: Final = "|"
OTHER_WORDS: Final = "~"
OTHER_CODE: Final = "!"
_STYLES: Final = {SAME: "", OTHER_WORDS: "yellow", OTHER_CODE: "bold red"}
_MOST: Final = 78
"""Columns of the left side in a pipe, if its lines need so many."""

type Row = tuple[str, str, str]
"""Left, mark, right."""


class Sides:
    """Shows one turn after the other."""

    def __init__(self, steps: Sequence[Step], left: str, right: str) -> None:
        """`steps`: all that will be shown; `left`, `right`: headings."""
        self._head = (left, right)
        lines = [left, *(line for step in steps for line in (*step.said, *step.reply, *step.after))]
        self._width = min(max(map(len, lines)), _MOST)

    def head(self, tls: Tls | None) -> None:
        """The headings, and the TLS that the connection began with."""
        left, right = self._head
        self._show([(left, SAME, right)], style="bold")
        if tls is not None:
            self._show([("", SAME, line) for line in LiveClassic().lines(NoteEvent(0, Note(tls=tls)))])

    def show(self, played: Played) -> None:
        """One turn."""
        self._show(list(rows(played)))
        if text := note_of(played):
            self._note(text)

    def _show(self, shown: Sequence[Row], style: str = "") -> None:
        if not is_terminal():
            for left, mark, right in shown:
                sys.stdout.write(f"{safe(left):<{self._width}} {mark} {safe(right)}".rstrip() + "\n")
            sys.stdout.flush()
            return
        from rich.console import Console  # noqa: PLC0415 - only terminals need it
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(highlight=False)
        half = max((console.width - 3) // 2, 1)
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=half, overflow="fold")
        table.add_column(width=1)
        table.add_column(width=half, overflow="fold")
        for left, mark, right in shown:
            kind = style or _STYLES[mark]
            table.add_row(Text(safe(left), kind), Text(mark, kind), Text(safe(right), kind))
        console.print(table)

    def _note(self, text: str) -> None:
        if not is_terminal():
            print(f"  ({safe(text)})")
            return
        from rich.console import Console  # noqa: PLC0415 - only terminals need it
        from rich.text import Text  # noqa: PLC0415

        Console(highlight=False).print(Text(f"  ({safe(text)})", "dim"))


def note_of(played: Played) -> str:
    """What is to be said of a turn beside its lines."""
    words = [played.fate.value] if played.fate in (Fate.NOT_ASKED, Fate.NOT_REACHED) else []
    return "; ".join([*words, played.note] if played.note else words)


def rows(played: Played) -> Iterator[Row]:
    """The lines of one turn, the client's first."""
    step = played.step
    said = step.shown if played.is_sent else ()
    for left, right in zip_longest(step.said, said, fillvalue=""):
        yield left, OTHER_WORDS if said and left != right else SAME, right
    compares = played.fate is not Fate.SKIPPED
    for left, right in aligned(step.reply, played.reply):
        yield left, _mark(left, right, same_code=played.same_code) if compares else SAME, right
    for left, right in zip_longest(step.after, played.after, fillvalue=""):
        yield left, SAME, right


def _mark(left: str, right: str, *, same_code: bool) -> str:
    if not same_code and code_of([left]) != code_of([right]):
        return OTHER_CODE
    return SAME if left == right else OTHER_WORDS


def aligned(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The lines of two replies in pairs: like beside like, in order.

    >>> list(aligned(["250-a", "250-SIZE", "250 HELP"], ["250-a", "250 HELP"]))
    [('250-a', '250-a'), ('250-SIZE', ''), ('250 HELP', '250 HELP')]
    """
    matcher = SequenceMatcher(None, [line[4:] for line in left], [line[4:] for line in right], autojunk=False)
    for _, start, stop, other_start, other_stop in matcher.get_opcodes():
        yield from zip_longest(left[start:stop], right[other_start:other_stop], fillvalue="")
