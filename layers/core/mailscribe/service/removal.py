"""Takes messages out of every answer: tombstone, record, tail and pointers in one transaction each.

A tombstone is written even when there is no record yet: it keeps one that is on its way from appearing. It does
not expire here; who seals and deletes knows when nothing holds the id any more. Doing it again changes nothing.
The message's object stays; its derived objects, which nothing points to any more, go.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mailscribe.errors import ConditionFailed, StoreUnavailable
from mailscribe.service import outbox
from mailscribe.service.rows import Rows, StoredMessage
from mailscribe.store.keys import DERIVED
from mailscribe.store.ports import Absent, Condition, Delete, Item, Present, Put, Write

ATTEMPTS: Final = 10
"""Tries against others who write the same rows; they end, so this is never reached but by a mistake."""


class Removal:
    """Removes messages by id."""

    def __init__(self, rows: Rows, new_commit: Callable[[], str]) -> None:
        self._rows = rows
        self._new_commit = new_commit

    def remove(self, ulids: Iterable[str]) -> None:
        """Return when no answer holds the messages any more. Raises `StoreError`: call again."""
        wanted = list(dict.fromkeys(ulids))
        if not wanted:
            return
        done = {item.sk for item in self._rows.records.get_many([self._rows.keys.tombstone(ulid) for ulid in wanted])}
        for ulid in wanted:
            if ulid not in done:
                self._remove(ulid)
            self._drop_derived(ulid)

    def _remove(self, ulid: str) -> None:
        for _ in range(ATTEMPTS):
            seen = self._rows.seen(ulid, None)
            if seen.deleted:
                return
            try:
                self._rows.records.transact(list(self._writes(ulid, seen.message)))
            except ConditionFailed:
                continue
            return
        raise StoreUnavailable(f"removal of {ulid}: {ATTEMPTS} times something else changed")

    def _writes(self, ulid: str, message: StoredMessage | None) -> Iterator[Write]:
        keys = self._rows.keys
        still: Condition = Absent() if message is None else Present()
        commit = self._new_commit()
        yield Put(Item(*keys.tombstone(ulid), b""), Absent())
        yield Put(Item(*keys.grave(ulid), commit.encode()))
        yield Delete(keys.message(ulid), still)
        if message is not None:
            yield Delete(keys.tail("message", ulid))
            yield from (Delete(pointer) for pointer in self._rows.pointers(message))
            yield self._rows.put_event(outbox.message_removed(ulid, commit))

    def _drop_derived(self, ulid: str) -> None:
        for found in self._rows.objects.list(f"{DERIVED}{ulid}/"):
            self._rows.objects.delete(found.key)
