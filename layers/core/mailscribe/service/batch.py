"""Ingest for one that has many events at hand: what messages tell of a session is written once for all of them.

Each message of a session brings the conversation so far, so that of a batch only the latest tale is worth telling.
A session that is not known yet is still written with its message: no message is ever readable before its session.
What is left for later is told by `settle`, or by the session's own object if that comes first. Whoever forgets an
event before `settle` loses nothing but time: the session's object tells it all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from msgspec import structs

from mailscribe.errors import StoreError
from mailscribe.records import SessionRecord
from mailscribe.service import sessions
from mailscribe.service.ingest import Ingest, Outcome
from mailscribe.service.project import Projection, told_by
from mailscribe.service.rows import Seen
from mailscribe.settings import Settings
from mailscribe.smtp import Trace
from mailscribe.store.ports import Objects, Records


@dataclass(slots=True)
class _Later:
    """The latest tale of a session, and the messages that are written but not yet named by it."""

    trace: Trace
    messages: set[str] = field(default_factory=set)

    def told(self) -> SessionRecord | None:
        """All of it; None when the tale cannot be read. The middle of a long one is left out: not so its messages."""
        told = told_by(self.trace)
        if told is None:
            return None
        messages = {*told.messages, *self.messages} - sessions.taken_back(told)
        return structs.replace(told, messages=tuple(sorted(messages)))


class BatchIngest(Ingest):
    """Belongs to one thread. Publishes no events."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        settings: Settings,
        *,
        clock_ms: Callable[[], int],
        new_commit: Callable[[], str],
    ) -> None:
        super().__init__(objects, records, None, settings, clock_ms=clock_ms, new_commit=new_commit)
        self._later: dict[str, _Later] = {}

    def settle(self) -> None:
        """Tell what was left for later. Raises `StoreError`: what could not be told is left for the next call."""
        while self._later:
            ulid, later = self._later.popitem()
            told = later.told()
            try:
                if told is not None:
                    self._until_done(partial(self._write_opened, told))
            except StoreError:
                self._later[ulid] = later
                raise

    def _told(self, projection: Projection, seen: Seen) -> SessionRecord | None:
        ulid, trace = projection.session_id, projection.trace
        if ulid is None or trace is None or seen.session.stored is None:
            return super()._told(projection, seen)
        later = self._later.setdefault(ulid, _Later(trace))
        later.messages.add(trace.message_id)
        later.trace = max(later.trace, trace, key=lambda each: each.message_id)
        return None

    def _session(self, key: str, ulid: str) -> Outcome:
        outcome = super()._session(key, ulid)
        self._later.pop(ulid, None)
        return outcome

    def _write_opened(self, told: SessionRecord) -> Outcome | None:
        seen = self._rows.seen(told.id, told.id)
        begun = self._clock_ms()
        writes = [] if seen.deleted else self._opened(seen.session, told)
        return self._commit(writes, begun) if writes else Outcome.ALREADY
