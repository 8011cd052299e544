"""What is asked of a search and what it answers; the bounds of one answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from msgspec import Raw

from mailscribe.ids import LEAST, make_ulid
from mailscribe.query import Node, parse_query
from mailscribe.records import Kind

KINDS: Final[tuple[Kind, ...]] = ("message", "session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for: a kind, a query, and the time and zone that its relative dates mean."""

    kind: Kind
    text: str = ""
    now: datetime
    tz: tzinfo = UTC

    def parse(self) -> Node | None:
        """The query's tree, None for every document. Raises `QueryError`."""
        return parse_query(self.text, self.kind, now=self.now, tz=self.tz)

    def binding(self) -> str:
        """What a cursor for this question is bound to; equal for the pages of one list, whenever they are asked for."""
        return f"{self.kind}\n{' '.join(self.text.split())}\n{self.tz}\n*"


@dataclass(frozen=True, slots=True)
class Page:
    """Summaries, newest first, as JSON; and the cursor of the next page if there is one.

    `scanned_through`: the budget ended there, and what is older was not looked at; `next` goes on from there.
    """

    summaries: tuple[Raw, ...]
    next: str | None
    scanned_through: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many match; a lower bound when it is not `exact`."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one answer may cost before it ends in part: requests, bytes and documents that are read, seconds.

    Looked at before each reading, and never before the first: an answer always gets on.
    """

    gets: int = 500
    bytes: int = 256 << 20
    documents: int = 100_000
    seconds: float = 8.0


def after(milliseconds: int) -> str:
    """The commit sequence just before every one that is made at `milliseconds` since 1970 or later."""
    return LEAST if milliseconds <= 0 else make_ulid(milliseconds - 1, (1 << 80) - 1)


def least(milliseconds: int) -> str:
    """The least id of a time."""
    return make_ulid(max(0, milliseconds), 0)
