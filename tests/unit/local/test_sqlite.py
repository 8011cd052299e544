"""SqliteRecords where it is a file: opening, other files, faults, several at once (the port: tests/contract)."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mailscribe.errors import ConditionFailed, ConfigError, StoreError, StoreFull, StoreUnavailable
from mailscribe.store.ports import Absent, Equals, Item, Key, Put
from mailscribe_local import sqlite
from mailscribe_local.sqlite import APPLICATION_ID, PURGE_EVERY_MS, PURGE_ITEMS, SCHEMA_VERSION, SqliteRecords
from support.adapters import Clock
from support.runners import in_threads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "records.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(path: Path, clock: Clock) -> Iterator[SqliteRecords]:
    made = SqliteRecords(path, clock_ms=clock)
    yield made
    made.close()


def pragma(path: Path, name: str) -> object:
    connection = apsw.Connection(str(path))
    try:
        row = connection.execute(f"PRAGMA {name}").fetchone()
        assert row is not None
        return row[0]
    finally:
        connection.close()


def rows(path: Path) -> int:
    connection = apsw.Connection(str(path))
    try:
        row = connection.execute("SELECT count(*) FROM items").fetchone()
        assert row is not None
        return int(row[0])
    finally:
        connection.close()


def put(records: SqliteRecords, *names: str) -> None:
    records.transact([Put(Item("p", name, b"x")) for name in names])


def test_the_file(records: SqliteRecords, path: Path) -> None:
    put(records, "a")
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "user_version") == SCHEMA_VERSION
    assert [found.stat().st_mode & 0o777 for found in path.parent.iterdir()] == [0o600] * 3  # with WAL and index


def test_every_connection_syncs_its_commits(records: SqliteRecords) -> None:
    with records._connection() as connection:
        assert connection.execute("PRAGMA synchronous").fetchall() == [(2,)]
        assert connection.execute("PRAGMA busy_timeout").fetchall() == [(sqlite.BUSY_TIMEOUT_MS,)]


def test_deferred_connections_leave_that_to_sync(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(sqlite, "sync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    records = SqliteRecords(path, deferred=True)
    with records._connection() as connection:
        assert connection.execute("PRAGMA synchronous").fetchall() == [(1,)]
    put(records, "a")
    records.sync()
    assert synced == [path.with_name(f"{path.name}-wal").stat().st_ino]
    records.close()
    records.sync()  # the WAL is gone: its content is in the file
    assert len(synced) == 1


def test_a_sync_that_fails_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(sqlite, "sync", fail)
    records = SqliteRecords(path, deferred=True)
    put(records, "a")
    with pytest.raises(StoreUnavailable):
        records.sync()
    records.close()


def test_deferred_and_not_deferred_see_each_other_at_once(records: SqliteRecords, path: Path, clock: Clock) -> None:
    deferred = SqliteRecords(path, clock_ms=clock, deferred=True)
    put(deferred, "a")
    put(records, "b")
    for each in (records, deferred):
        assert [item.sk for item in each.query("p")] == ["a", "b"]
    deferred.close()


def test_what_was_written_is_there_after_opening_again(path: Path) -> None:
    for name in ("a", "b"):
        records = SqliteRecords(path)
        put(records, name)
        records.close()
    records = SqliteRecords(path)
    assert [item.sk for item in records.query("p")] == ["a", "b"]
    records.close()
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_two_openers_share_one_file(records: SqliteRecords, path: Path, clock: Clock) -> None:
    other = SqliteRecords(path, clock_ms=clock)
    put(records, "a")
    assert [item.sk for item in other.query("p")] == ["a"]
    with pytest.raises(ConditionFailed):
        other.transact([Put(Item("p", "a", b""), Absent())])
    other.close()
    put(records, "b")


def test_many_openers_at_once(path: Path) -> None:
    def work(number: int) -> None:
        records = SqliteRecords(path)
        put(records, f"{number}")
        records.close()

    in_threads(work, 6)
    assert rows(path) == 6


def test_connections_are_used_again(records: SqliteRecords) -> None:
    for _ in range(5):
        put(records, "a")
        records.query("p")
    assert len(records._idle) == 1
    with pytest.raises(ConditionFailed):
        records.transact([Put(Item("p", "a", b""), Absent())])
    assert len(records._idle) == 1


def test_a_reader_does_not_wait_for_a_writer(records: SqliteRecords) -> None:
    put(records, "a")
    with records._connection() as connection, sqlite._transaction(connection):
        connection.execute("DELETE FROM items")
        assert [item.sk for item in records.query("p")] == ["a"]
    assert records.query("p") == []


def test_a_writer_waits_for_a_writer(records: SqliteRecords) -> None:
    put(records, "a")
    waiting = threading.Thread(target=lambda: put(records, "b"))
    with records._connection() as connection, sqlite._transaction(connection):
        waiting.start()
        connection.execute("UPDATE items SET version = 5")
    waiting.join()
    assert [(item.sk, item.version) for item in records.query("p")] == [("a", 5), ("b", 0)]


def test_a_writer_does_not_wait_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 1)
    records = SqliteRecords(path)
    with records._connection() as connection, sqlite._transaction(connection), pytest.raises(StoreUnavailable):
        put(records, "a")
    put(records, "b")
    assert [item.sk for item in records.query("p")] == ["b"]
    records.close()


def test_a_call_that_breaks_off_in_a_transaction_leaves_nothing(records: SqliteRecords) -> None:
    def break_off() -> None:
        with records._connection() as connection, sqlite._transaction(connection):
            connection.execute("INSERT INTO items VALUES ('p', 'a', x'', 0, NULL)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert records.query("p") == []
    put(records, "b")


def test_a_connection_left_in_a_transaction_is_not_used_again(records: SqliteRecords) -> None:
    with records._connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
    assert records._idle == []
    put(records, "a")


def test_closed(records: SqliteRecords) -> None:
    put(records, "a")
    records.close()
    records.close()
    for call in (lambda: records.query("p"), lambda: records.get_many([Key("p", "a")]), lambda: put(records, "b")):
        with pytest.raises(StoreUnavailable, match="closed"):
            call()


def test_closed_while_a_call_is_on(path: Path) -> None:
    records = SqliteRecords(path)
    with records._connection() as connection:
        records.close()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(apsw.ConnectionClosedError):
        connection.execute("SELECT 1")


def test_a_full_disk(records: SqliteRecords) -> None:
    put(records, "a")
    with records._connection() as connection:
        connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreFull):
        records.transact([Put(Item("p", f"{number}", b"x" * 100_000)) for number in range(20)])
    assert [item.sk for item in records.query("p")] == ["a"]
    with records._connection() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    put(records, "b")
    assert [item.sk for item in records.query("p")] == ["a", "b"]


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises((ConfigError, StoreError)):
        SqliteRecords(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program(path: Path) -> None:
    path.parent.mkdir()
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(ConfigError, match="another program"):
        SqliteRecords(path)


def test_a_file_of_a_newer_version(records: SqliteRecords, path: Path) -> None:
    with records._connection() as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ConfigError, match="newer"):
        SqliteRecords(path)


def test_a_folder_where_nothing_may_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        SqliteRecords(tmp_path / "file" / "records.sqlite")
    (tmp_path / "records.sqlite").mkdir()
    with pytest.raises(StoreUnavailable):
        SqliteRecords(tmp_path / "records.sqlite")


def test_a_file_that_was_made_but_not_filled(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")
    records = SqliteRecords(path)
    put(records, "a")
    records.close()


def test_expired_items_are_removed_by_and_by(records: SqliteRecords, path: Path, clock: Clock) -> None:
    for first in range(0, PURGE_ITEMS + 100, 100):
        items = [Item("dead", f"{number}", b"", expires=clock.seconds + 1) for number in range(first, first + 100)]
        records.transact([Put(item) for item in items])
    records.transact([Put(Item("p", "later", b"", expires=clock.seconds + 10_000)), Put(Item("p", "ever", b""))])
    assert rows(path) == PURGE_ITEMS + 102
    clock.ms += PURGE_EVERY_MS
    put(records, "a")
    assert rows(path) == 103
    put(records, "b")
    assert rows(path) == 104
    clock.ms += PURGE_EVERY_MS
    put(records, "c")
    assert [item.sk for item in records.query("p")] == ["a", "b", "c", "ever", "later"]
    assert rows(path) == 5


def test_an_item_written_again_in_the_transaction_that_removes_the_expired(
    records: SqliteRecords, clock: Clock
) -> None:
    records.transact([Put(Item("p", "a", b"old", version=1, expires=clock.seconds + 1))])
    clock.ms += PURGE_EVERY_MS
    records.transact([Put(Item("p", "a", b"new", version=2, expires=clock.seconds + 1), Absent())])
    records.transact([Put(Item("p", "a", b"newer"), Equals(2))])
    assert records.query("p") == [Item("p", "a", b"newer")]
