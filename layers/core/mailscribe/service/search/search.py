"""Lists, searches and waits over all that is stored, always as new as the store.

The warm tail is brought up to date first and the catalog is read after it, so that a document is in one of them
whenever it moves. Lists are newest first by id; waits go by commit sequence. A segment that is gone was replaced
meanwhile: the catalog is then read again, once.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from mailscribe.errors import ObjectNotFound, StoreUnavailable
from mailscribe.ids import UlidFactory, now_ms, ulid_ms, ulid_time
from mailscribe.query import CursorCodec, Node
from mailscribe.records import IndexDocument, Kind
from mailscribe.service.catalog import Catalog
from mailscribe.service.rows import StoredMessage, StoredSession, horizon
from mailscribe.service.search.question import KINDS, Budget, Count, Page, Question
from mailscribe.service.search.view import BudgetSpent, Spending, View
from mailscribe.service.search.warm import OVERLAP_MS, WarmTails
from mailscribe.service.segments import Segments
from mailscribe.settings import Settings
from mailscribe.store.items import cursor_key, unpack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Objects, Records
from mailscribe.store.tail import Hit


class Search:
    """Answers questions from the warm tails and the segments. Safe to share between threads."""

    def __init__(
        self,
        records: Records,
        objects: Objects,
        settings: Settings,
        *,
        clock_ms: Callable[[], int] = now_ms,
        overlap_ms: int = OVERLAP_MS,
        budget: Budget | None = None,
    ) -> None:
        """`overlap_ms` may be small where one thread commits everything: its sequences are readable in their order."""
        self._records = records
        self._objects = objects
        self._keys = RecordKeys(settings.shards)
        self._clock_ms = clock_ms
        self._retention_days = settings.retention_days
        self._budget = budget or Budget()
        self._warm = WarmTails(records, objects, self._keys, clock_ms=clock_ms, overlap_ms=overlap_ms)
        self._catalog = Catalog(records)
        self._segments = Segments(objects)
        self._codec: CursorCodec | None = None

    def page(self, question: Question, *, cursor: str | None = None, limit: int = 25) -> Page:
        """At most `limit` matches, newest first, after `cursor`. Raises `QueryError`, `CursorError`, `StoreError`."""
        node, binding, codec = question.parse(), question.binding(), self._cursors()
        before = None if cursor is None else codec.decode(cursor, binding)

        def read(view: View) -> tuple[list[Hit], str | None]:
            hits: list[Hit] = []
            try:
                hits.extend(islice(view.hits(node, before=before, chunk=limit + 1), limit + 1))
            except BudgetSpent as spent:
                return hits, spent.bound
            return hits, None

        hits, bound = self._answer(question.kind, read, Spending(self._budget))
        shown = tuple(hit.summary for hit in hits[:limit])
        if len(hits) > limit:
            return Page(shown, codec.encode(hits[limit - 1].id, binding))
        if bound is None:
            return Page(shown, None)
        return Page(shown, codec.encode(_resume(bound, hits), binding), ulid_time(bound))

    def count(self, question: Question) -> Count:
        """How many match, as far as the budget goes. Raises `QueryError`, `StoreUnavailable`."""
        node = question.parse()

        def read(view: View) -> Count:
            found = 0
            try:
                for _ in view.hits(node):
                    found += 1
            except BudgetSpent:
                return Count(found, exact=False)
            return Count(found, exact=True)

        return self._answer(question.kind, read, Spending(self._budget))

    def first(self, question: Question, *, after_commit: str, count: int) -> list[Hit]:
        """The first `count` matches that became readable after a commit sequence, in that order; fewer if so."""
        node = question.parse()
        return self._answer(question.kind, lambda view: view.first(node, after_commit=after_commit, count=count))

    def matching(self, kind: Kind, node: Node | None, ulids: Iterable[str]) -> set[str]:
        """Those of `ulids` that there are now and that match (None: anything does). Raises `StoreUnavailable`."""
        wanted = list(ulids)
        return self._answer(kind, lambda view: view.matching(node, wanted))

    def oldest_ms(self) -> int | None:
        """No message or session has an older time in its id; None when there is none."""
        tails = self._warm.now().tails
        oldest = [ulid for tail in tails.values() if (ulid := tail.oldest()) is not None]
        oldest += [row.first for kind in KINDS for row in self._catalog.current(kind).live]
        return ulid_ms(min(oldest)) if oldest else None

    def commit_of(self, ulid: str) -> str | None:
        """The commit sequence by which a message or session became readable; None if there is no such."""
        waiting = self._records.get_many([self._keys.tail(kind, ulid) for kind in KINDS])
        if waiting:
            return unpack(waiting[0], IndexDocument, self._objects).commit
        message, session = self._keys.message(ulid), self._keys.session(ulid)
        for item in self._records.get_many([message, session]):
            if item.key == message:
                return unpack(item, StoredMessage, self._objects).commit
            return unpack(item, StoredSession, self._objects).commit
        return None

    def refresh(self) -> None:
        """Take in all that was readable when this was called. Raises `StoreUnavailable`."""
        self._warm.now()

    def _answer[T](self, kind: Kind, read: Callable[[View], T], spending: Spending | None = None) -> T:
        spending = spending or Spending()
        for _ in range(2):
            try:
                return read(self._view(kind, spending))
            except ObjectNotFound as error:
                gone = error
        raise StoreUnavailable(f"{gone.key}: in the catalog and not among the objects") from gone

    def _view(self, kind: Kind, spending: Spending) -> View:
        warmth = self._warm.now()
        rows = self._catalog.current(kind).live
        oldest = horizon(self._clock_ms(), self._retention_days)
        return View(warmth.tails[kind], rows, self._segments, spending, graves=warmth.graves, horizon=oldest)

    def _cursors(self) -> CursorCodec:
        if self._codec is None:
            self._codec = CursorCodec(cursor_key(self._records))
        return self._codec


def _resume(bound: str, hits: list[Hit]) -> str:
    """The id before which a list goes on that ended in part: not what was shown, everything that was not looked at."""
    following = UlidFactory(lambda: 0, lambda: 0, after=bound)()
    return min([following, *(hit.id for hit in hits)])
