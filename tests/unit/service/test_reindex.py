"""Reindex: the same as if everything had just been ingested, whoever is killed, whatever comes meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from msgspec import UNSET, structs

from mailscribe.errors import StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.query import message_document
from mailscribe.records import Kind
from mailscribe.service.catalog import Catalog
from mailscribe.service.housekeeping import UNNAMED_MS, Housekeeping
from mailscribe.service.ingest import Ingest
from mailscribe.service.project import Projection, Source, project
from mailscribe.service.reindex import BATCH, Reindex
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from mailscribe.service.seal import Sealer
from mailscribe.service.search import Question, Search
from mailscribe.settings import Settings
from mailscribe.store.keys import INDEX, message_key
from support.conversation import converse, plain_message
from support.sealed_world import Killed, Script, ScriptedObjects, ScriptedRecords
from support.stores import MemoryRecords
from support.world import NOW_MS, World

TALKS = tuple(converse([plain_message(10 * number + each) for each in range(2)], number=number) for number in range(2))
MESSAGES = sorted(ulid for talk in TALKS for ulid in talk.messages)
SESSIONS = sorted(talk.session for talk in TALKS)
INBOUND = "inbound/dropped.eml"
type Lists = dict[tuple[Kind, str], list[tuple[str, str]]]


class Old:
    """A system whose records and index were made by a parser that knew less; some of it sealed, some in the tail."""

    def __init__(self) -> None:
        self.script = Script()
        self.world = World()
        self.world.hold(*TALKS)
        self.world.objects.put(INBOUND, [plain_message(99)])
        self.world.deliver_all([*(key for talk in TALKS for key in talk.objects), INBOUND])
        self.new = self.lists()
        self.records = ScriptedRecords(self.world.records, self.script)
        self.objects = ScriptedObjects(self.world.objects, self.script)
        self.rows = Rows(self.objects, self.records, self.world.settings)
        self.picture = self.world.picture()
        self.ids = UlidFactory(lambda: NOW_MS)
        self._age()

    def _age(self) -> None:
        for number, ulid in enumerate(sorted(self.picture.messages)):
            row = self.rows.message(ulid)
            assert row.stored is not None
            old = structs.replace(row.stored.record(), subject="outdated", thread_id=UNSET, parser_version=0)
            document = message_document(old, "outdated", row.stored.commit)
            writes = self.rows.replace_message(old, row)
            self.records.transact([*writes, self.rows.put_document(document)])
            if number == len(MESSAGES) // 2:
                self.seal()

    def seal(self) -> None:
        sealer = Sealer(self.objects, self.records, self.world.settings, clock_ms=lambda: NOW_MS, new_id=self.ids)
        sealer.seal("message")
        sealer.seal("session")

    def reindex(self, ingest: Ingest | None = None) -> Reindex:
        found = self.world.settings
        return Reindex(self.objects, self.records, found, clock_ms=lambda: NOW_MS, new_id=self.ids, ingest=ingest)

    def run(self, ingest: Ingest | None = None) -> None:
        work = self.reindex(ingest)
        work.begin()
        while work.step():
            pass

    def finish(self) -> None:
        """Another process goes on with what is under way, or was never begun."""
        if Catalog(self.records).reigning().generations.current == 0:
            self.run()

    def lists(self) -> Lists:
        """What a cold search says of everything, with the commit sequence of each."""
        search = Search(self.world.records, self.world.objects, self.world.settings, clock_ms=lambda: NOW_MS)
        found: Lists = {}
        for kind, text in (("message", ""), ("message", "hello"), ("message", "outdated"), ("session", "")):
            question = Question(kind=kind, text=text, now=datetime(2023, 11, 20, tzinfo=UTC))  # type: ignore[arg-type]
            summaries = sorted(bytes(summary).decode() for summary in search.page(question, limit=100).summaries)
            commits = [hit.commit for hit in search.first(question, after_commit="0", count=100)]
            found[kind, text] = list(zip(summaries, commits, strict=True))  # type: ignore[index]
        return found

    @contextmanager
    def scripted(self, at: int, action: Callable[[], object]) -> Iterator[Script]:
        self.script.at, self.script.action, self.script.calls = at, action, 0
        try:
            yield self.script
        except Killed:
            pass
        finally:
            self.script.at = -1

    def is_new(self) -> bool:
        return self.lists() == self.new and self.world.picture().messages == self.picture.messages


def die() -> None:
    raise Killed


def ids(lists: Lists, kind: Kind) -> set[str]:
    return {summary.partition('"id":"')[2][:26] for summary, _ in lists[kind, ""]}


@pytest.fixture
def old() -> Old:
    return Old()


def test_everything_is_as_if_it_had_just_been_ingested(old: Old) -> None:
    assert not old.is_new()
    assert len(old.lists()["message", "outdated"]) == len(MESSAGES) + 1
    old.run()
    assert old.is_new()
    assert Catalog(old.records).reigning().generations.current == 1
    assert old.reindex().progress() is None


def test_until_the_end_the_old_generation_answers(old: Old) -> None:
    before = old.lists()
    work = old.reindex()
    assert work.begin()
    assert not work.begin(), "one is under way"
    assert work.step()
    progress = work.progress()
    assert progress is not None
    assert (progress.looked, progress.missing) == (1, 0)
    assert ids(old.lists(), "message") == ids(before, "message")
    assert work.abandon()
    assert not work.abandon()
    assert not work.step()
    old.run()
    assert Catalog(old.records).reigning().generations.current == 2, "no number is used twice"
    assert old.is_new()


def test_a_kill_between_steps_is_made_good_by_the_next_run(old: Old) -> None:
    with old.scripted(-1, die) as script:
        old.run()
    assert script.calls > 30
    for at in range(0, script.calls, 2):
        other = Old()
        with other.scripted(at, die):
            other.run()
        other.finish()
        assert other.is_new(), at


@pytest.mark.parametrize("what", ["seal", "reindex", "ingest", "delete"])
def test_whatever_is_done_between_two_steps_is_in_the_new_generation(what: str, old: Old) -> None:
    with old.scripted(-1, die) as script:
        old.run()
    late = converse([plain_message(500)], number=9)
    for at in range(script.calls % 3, script.calls, 3):
        other = Old()
        other.world.hold(late)
        actions: dict[str, Callable[[], object]] = {
            "seal": other.seal,
            "reindex": other.run,
            "ingest": partial(other.world.deliver_all, late.objects),
            "delete": partial(Removal(other.rows, other.world.new_commit).remove, [MESSAGES[0]]),
        }
        with other.scripted(at, actions[what]):
            other.run()
        other.finish()
        other.seal()
        expected = ids(other.new, "message"), ids(other.new, "session")
        if what == "ingest":
            expected = expected[0] | set(late.messages), expected[1] | {late.session}
        if what == "delete":
            expected = expected[0] - {MESSAGES[0]}, expected[1]
        found = other.lists()
        assert (ids(found, "message"), ids(found, "session")) == expected, at
        assert found["message", "outdated"] == []


def test_what_is_deleted_or_was_not_accepted_does_not_come_back(old: Old) -> None:
    refused = converse([plain_message(600), plain_message(601)], number=12, refused=frozenset({1}))
    old.world.hold(refused)
    old.world.deliver_all(refused.objects)
    Removal(old.rows, old.world.new_commit).remove([MESSAGES[1], MESSAGES[-1]])
    expected = ids(old.lists(), "message")
    old.run(old.world.main)
    assert ids(old.lists(), "message") == expected
    assert not expected & {MESSAGES[1], MESSAGES[-1], *refused.refused}


def test_a_lost_session_is_known_by_its_messages(old: Old) -> None:
    talk = converse([plain_message(700)], number=13)
    key = message_key(talk.messages[0])
    old.world.objects.put(key, [talk.objects[key]])
    old.world.deliver(key)
    old.world.sweep()
    old.seal()
    old.run()
    assert talk.session in ids(old.lists(), "session")


def test_objects_without_records_are_handed_to_ingest_or_counted(old: Old) -> None:
    old.world.records = MemoryRecords(lambda: NOW_MS)
    old.records = ScriptedRecords(old.world.records, old.script)
    old.rows = Rows(old.objects, old.records, old.world.settings)
    work = old.reindex()
    work.begin()
    while progress := work.progress():
        missing = progress.missing
        work.step()
    assert missing == len(MESSAGES) + len(SESSIONS) + 1
    old.run(old.world.ingest())
    old.seal()
    found = old.lists()
    assert ids(found, "message") == ids(old.new, "message")
    assert ids(found, "session") == ids(old.new, "session")


def test_an_object_that_ends_the_worker_keeps_its_record(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = message_key(MESSAGES[2])

    def projected(source: Source, data: bytes) -> Projection:
        if source.key == bad:
            raise Killed
        return project(source, data)

    monkeypatch.setattr("mailscribe.service.reindex.project", projected)
    for _ in range(6):
        with old.scripted(-1, die):
            old.run()
    assert Catalog(old.records).reigning().generations.current == 1
    assert old.world.message(MESSAGES[2]).subject == "outdated"
    old.seal()
    found = old.lists()
    assert ids(found, "message") == ids(old.new, "message")
    assert len(found["message", "outdated"]) == 1


def test_a_store_that_is_down_is_no_fault_of_an_object(old: Old) -> None:
    def fail() -> None:
        raise StoreUnavailable("down")

    work = old.reindex()
    work.begin()
    for _ in range(5):
        with pytest.raises(StoreUnavailable), old.scripted(4, fail):
            work.step()
    progress = work.progress()
    assert progress is not None
    assert (progress.starts, progress.careful) == (0, 0)
    old.run()
    assert old.is_new()


def test_what_has_expired_is_passed_over(old: Old) -> None:
    later = NOW_MS + 86_400_000 - 1
    work = Reindex(old.objects, old.records, Settings(retention_days=1), clock_ms=lambda: later, new_id=old.ids)
    work.begin()
    while work.step():
        pass
    (row,) = Catalog(old.records).current("message").live
    assert (row.documents, row.first) == (1, max(old.picture.messages)), "the one that was dropped, just now"


def test_a_batch_is_bounded() -> None:
    old = Old()
    for number in range(BATCH + 5):
        old.world.objects.put(f"inbound/more-{number:04}.eml", [plain_message(number)])
    work = old.reindex(old.world.main)
    work.begin()
    work.step()
    progress = work.progress()
    assert progress is not None
    assert progress.looked == BATCH


def test_the_generation_that_is_over_goes_with_the_sweep(old: Old) -> None:
    old.run()
    assert old.world.items("G#message#0")
    later = NOW_MS + UNNAMED_MS
    keeper = Housekeeping(old.objects, old.records, old.world.settings, clock_ms=lambda: later, new_id=old.ids)
    keeper.sweep()
    keeper.sweep()
    assert old.world.items("G#message#0") == []
    assert {info.key.split("/")[2] for info in old.objects.list(INDEX)} == {"1"}
    assert old.is_new()
