"""Takes messages out of every answer: tombstone, record, tail and pointers in one transaction each, then objects.

A tombstone is written even when there is no record yet: it keeps one that is on its way from appearing. It does
not expire here; who seals and purges knows when nothing holds the id any more. It names the message's object, so
that whoever finds it can end a removal that was broken off between transaction and objects. Doing it again changes
nothing. What the feed said of a message is overwritten: its entry keeps its place and says only that it is gone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import Final

from mailscribe.errors import ConditionFailed, ObjectNotFound, StoreUnavailable
from mailscribe.ids import now_ms, ulid_of
from mailscribe.service import outbox
from mailscribe.service.commits import turn_of
from mailscribe.service.rows import Removable, Rows
from mailscribe.store.keys import DERIVED, INBOUND, message_key
from mailscribe.store.ports import (
    TRANSACTION_LIMIT,
    Absent,
    Check,
    Condition,
    Delete,
    Item,
    Objects,
    Present,
    Put,
    Write,
)

ATTEMPTS: Final = 10
"""Tries against others who write the same rows; they end, so this is never reached but by a mistake."""
CHUNK: Final = 50
"""Messages whose rows are read at once."""
HANDS: Final = 16
"""Objects of different messages that are deleted at once: each is a request of its own."""


class Removal:
    """Removes messages by id."""

    def __init__(
        self,
        rows: Rows,
        new_commit: Callable[[], str],
        *,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._rows = rows
        self._new_commit = new_commit
        self._turn = turn_of(new_commit)
        self._clock_ms = clock_ms

    def remove(self, ulids: Iterable[str], *, objects: bool = False) -> int:
        """Return, when no answer holds the messages any more, how many of them there were.

        With `objects` the client's bytes go too; what was derived of them always does. Raises `StoreError`: call
        again, also for ids that are gone by then.
        """
        removed = 0
        for chunk in batched(dict.fromkeys(ulids), CHUNK, strict=False):
            removed += self._take_out(chunk, objects=objects)
            self._drop_all(chunk)
        return removed

    def _take_out(self, ulids: Sequence[str], *, objects: bool) -> int:
        removed = 0
        for _ in range(ATTEMPTS):
            with self._turn:
                found = [each for each in self._rows.removable(ulids) if not each.deleted]
                try:
                    for group in self._groups(found, objects=objects):
                        self._rows.records.transact([write for _, writes in group for write in writes])
                        removed += sum(each.is_there for each, _ in group)
                except ConditionFailed:
                    continue  # another wrote one of them: look again; what is done is not done twice
            return removed
        raise StoreUnavailable(f"removal of {ulids[0]}: {ATTEMPTS} times something else changed")

    def _groups(self, found: Sequence[Removable], *, objects: bool) -> Iterator[list[tuple[Removable, list[Write]]]]:
        """Messages with their writes, as many at a time as one transaction takes."""
        group: list[tuple[Removable, list[Write]]] = []
        for each in found:
            writes = list(self._writes(each, objects=objects))
            if group and sum(len(others) for _, others in group) + len(writes) > TRANSACTION_LIMIT:
                yield group
                group = []
            group.append((each, writes))
        if group:
            yield group

    def _writes(self, found: Removable, *, objects: bool) -> Iterator[Write]:
        keys, ulid = self._rows.keys, found.id
        still: Condition = Present() if found.is_there else Absent()
        commit = self._new_commit()
        yield self._rows.put_tombstone(ulid, self._clock_ms(), found.object_key if objects else None)
        yield Put(Item(*keys.grave(ulid), commit.encode()))
        if not found.is_there:
            yield Check(keys.message(ulid), still)
            return
        yield Delete(keys.message(ulid), still)
        yield Delete(keys.tail("message", ulid))
        yield from (Delete(pointer) for pointer in found.pointers)
        yield from (self._rows.put_event(outbox.message_removed(ulid, each), Present()) for each in found.shown)
        yield self._rows.put_event(outbox.message_removed(ulid, commit))

    def _drop_all(self, ulids: Sequence[str]) -> None:
        stones = {each.id: each.key for each in self._rows.tombstones(ulids)}
        if len(stones) == 1:
            self._drop(*next(iter(stones.items())))
            return
        with ThreadPoolExecutor(HANDS) as hands:
            list(hands.map(lambda stone: self._drop(*stone), stones.items()))

    def _drop(self, ulid: str, key: str | None) -> None:
        """Delete what was derived of a message and, with `key`, its bytes."""
        drop_derived(self._rows.objects, ulid)
        if key is not None and self._is_of(key, ulid):
            self._rows.objects.delete(key)

    def _is_of(self, key: str, ulid: str) -> bool:
        """Whether an object is still that message's: another may have been put under the key of one of `inbound/`."""
        if not key.startswith(INBOUND):
            return key == message_key(ulid)
        try:
            found = self._rows.objects.head(key)
        except ObjectNotFound:
            return False
        return ulid == ulid_of(max(0, found.modified_ms), key, found.etag.strip('"'))


def drop_derived(objects: Objects, ulid: str) -> None:
    """Delete what was derived of a message, however much there is."""
    after = ""
    while found := objects.list(f"{DERIVED}{ulid}/", after=after):
        for each in found:
            objects.delete(each.key)
        after = found[-1].key
