"""What of the feed is shown to one who asks: published events of what is there and matches, from a place on.

The index is asked which of an event's subjects are there, so what was deleted or has expired meanwhile is shown
nowhere, and a query means the same here as in a list. Every reading is bounded, in entries and in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from mailscribe.query import Node
from mailscribe.records import Event, Kind
from mailscribe.service.events import Feed, Position
from mailscribe.service.outbox import PUBLISHED
from mailscribe.service.search import Search

LIMITS: Final = (100, 10, 1)
"""Entries of the feed that are looked at at once; fewer when what is to be shown of them is too much."""
MAX_BYTES: Final = 1 << 20
"""Of the details of events that are shown at once, unless one alone has more."""
ROUNDS: Final = 20
"""Times that a reading looks at so many entries; then it says how far it came."""

type Wanted = Mapping[Kind, Node | None]
"""What to show of each kind, None: all of it; a kind that is not there is not shown."""


@dataclass(frozen=True, slots=True)
class Found:
    """Events to show, and whether there is more to look through; true when there is either."""

    events: tuple[Event, ...] = ()
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.events) or self.more


class EventReader:
    """Reads on from a place; `position` is where it goes on. Belongs to one reader."""

    def __init__(self, feed: Feed, search: Search, wanted: Wanted, position: Position) -> None:
        self._feed = feed
        self._search = search
        self._wanted = wanted
        self.position = position

    def read(self) -> Found:
        """What is next. Raises `StoreUnavailable`: then nothing was read."""
        for _ in range(ROUNDS):
            found = self._batch()
            if found.events or not found.more:
                return found
        return Found(more=True)

    def _batch(self) -> Found:
        for limit in LIMITS:
            batch = self._feed.read(self.position, limit)
            shown = self._shown(batch.events)
            if sum(len(bytes(event.detail)) for event in shown) <= MAX_BYTES:
                break
        self.position = batch.next
        return Found(shown, batch.more)

    def _shown(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        subjects = {event.id: _subject(event) for event in events if event.type in PUBLISHED}
        there: set[tuple[Kind, str] | None] = set()
        for kind, node in self._wanted.items():
            ulids = {ulid for found, ulid in subjects.values() if found == kind}
            if ulids:
                there |= {(kind, ulid) for ulid in self._search.matching(kind, node, ulids)}
        return tuple(event for event in events if subjects.get(event.id) in there)


class _Subject(msgspec.Struct):
    id: str


def _subject(event: Event) -> tuple[Kind, str]:
    kind: Kind = "session" if event.type.startswith("session.") else "message"
    return kind, msgspec.json.decode(event.detail, type=_Subject).id
