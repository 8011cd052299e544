"""The thread that seals: by time, by count, whatever fails; and the index as files of the data folder."""

import threading
from pathlib import Path

from mailscribe.errors import StoreUnavailable
from mailscribe.ids import UlidFactory, make_ulid
from mailscribe.query import message_document
from mailscribe.service import outbox
from mailscribe.service.rows import Rows
from mailscribe.service.search import Search
from mailscribe.service.upkeep import Round, Upkeep
from mailscribe.settings import Settings
from mailscribe_local.files import FileObjects
from mailscribe_local.sqlite import SqliteRecords
from mailscribe_local.stack.sealing import Sealing
from support.query_world import message_record
from support.sealed_world import START_MS, ask, walk
from support.stores import MemoryObjects, MemoryRecords


class Counted(Upkeep):
    """Does nothing but tell, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__(MemoryObjects(), MemoryRecords(), Settings(), clock_ms=lambda: 0, new_id=UlidFactory())
        self.rounds = threading.Semaphore(0)
        self.swept = threading.Semaphore(0)
        self.is_failing = False

    def round(self, *, at_least: int = 1) -> Round:
        del at_least
        self.rounds.release()
        if self.is_failing:
            raise StoreUnavailable("as told")
        return Round(0, 0, 0)

    def sweep(self) -> int:
        self.swept.release()
        return 0


def test_much_is_sealed_at_once_and_a_round_that_fails_is_not_the_last() -> None:
    upkeep, rung = Counted(), threading.Semaphore(0)
    upkeep.is_failing = True
    sealing = Sealing(upkeep, seconds=3600, much=3)
    ingested = sealing.rings(rung.release)
    sealing.start()
    for _ in range(3):
        ingested()
        assert rung.acquire(timeout=30)
    assert upkeep.rounds.acquire(timeout=30)
    upkeep.is_failing = False
    for _ in range(6):
        ingested()
    assert upkeep.rounds.acquire(timeout=30)
    sealing.stop(30)
    assert not sealing.is_alive()


def test_time_alone_seals_and_clears_up_at_first() -> None:
    upkeep = Counted()
    sealing = Sealing(upkeep, seconds=0.01)
    sealing.start()
    for _ in range(3):
        assert upkeep.rounds.acquire(timeout=30)
    sealing.stop(30)
    assert upkeep.swept.acquire(blocking=False)
    assert not upkeep.swept.acquire(blocking=False), "once a day"


def test_one_that_never_started_stops() -> None:
    Sealing(Counted()).stop(1)


def test_segments_are_files_that_a_new_process_opens(tmp_path: Path) -> None:
    objects, records = FileObjects(tmp_path / "objects"), SqliteRecords(tmp_path / "records.sqlite")
    rows, commits = Rows(objects, records, Settings()), UlidFactory()
    ulids = [make_ulid(START_MS + number, 0) for number in range(30)]
    upkeep = Upkeep(objects, records, Settings(), clock_ms=lambda: START_MS, new_id=UlidFactory())
    search = Search(records, objects, Settings())
    for number, ulid in enumerate(ulids):
        document = message_document(message_record(ulid, subject=f"word{number % 3}"), "", commits())
        event = outbox.message_received(document, "messages/x.eml")
        records.transact([rows.put_document(document), rows.put_event(event)])
        if number % 2:
            upkeep.round()
            assert walk(search, ask("message"), 7) == ulids[number::-1]
    assert 1 <= len(list((tmp_path / "objects" / "index" / "message" / "0").iterdir())) <= 17
    assert records.query("T#message#0") == []
    for reader in (search, Search(records, objects, Settings())):
        assert walk(reader, ask("message", "word1"), 4) == ulids[28::-3]
        assert reader.count(ask("message")).count == 30
    records.close()
