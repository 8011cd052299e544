"""The records port over one SQLite file, for several threads and processes at once.

WAL with synchronous=FULL: a transaction that returned survives a power cut. Conditions are looked at and writes
made inside one BEGIN IMMEDIATE, so of two writers one sees what the other did. Each call takes a connection that
no other call has. Items past their expiry are never shown, and are removed by and by in writers' transactions.
SQLite's BINARY collation orders text by its UTF-8 bytes, as DynamoDB does.

With `deferred` (synchronous=NORMAL) a transaction survives a power cut only once `sync`, or a later transaction that
is not deferred, has returned: for a writer that can do again what was taken. All else holds: every later read sees a
write that returned, a kill loses nothing, no later transaction outlives an earlier one (https://sqlite.org/wal.html).
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from mailscribe.errors import ConditionFailed, ConfigError, StoreError, StoreFull, StoreUnavailable
from mailscribe.ids import now_ms
from mailscribe.store.checks import (
    check_bounds,
    check_keys,
    check_partition,
    check_writes,
    condition_of,
    holds,
    key_of,
)
from mailscribe.store.ports import Delete, Item, Key, Put, Write
from mailscribe_local.durable import FILE_MODE, Folders, fsync_folder, store_errors, sync

APPLICATION_ID: Final = 0x6D736372
"""`mscr` in the file's header: a records file of mailscribe."""
SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, data BLOB NOT NULL, version INTEGER NOT NULL, expires INTEGER,
    PRIMARY KEY (pk, sk)
) STRICT;
CREATE INDEX expiring ON items (expires) WHERE expires IS NOT NULL;
"""
BUSY_TIMEOUT_MS: Final = 10_000
PURGE_EVERY_MS: Final = 60_000
PURGE_ITEMS: Final = 500

_COLUMNS: Final = "pk, sk, data, version, expires"
_ALIVE: Final = "(expires IS NULL OR expires > ?)"
_GET: Final = f"SELECT {_COLUMNS} FROM items WHERE pk = ? AND sk = ? AND {_ALIVE}"  # noqa: S608 - constants
_PUT: Final = f"INSERT OR REPLACE INTO items ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - constants
_DELETE: Final = "DELETE FROM items WHERE pk = ? AND sk = ?"
_PURGE: Final = "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expires <= ? LIMIT ?)"
_OPEN_PAUSE_S: Final = 0.02
_OPEN_ATTEMPTS: Final = 500


class SqliteRecords:
    """Records in the file `path`, made with its folder when absent.

    Raises `ConfigError` for a file that is another program's or of a newer mailscribe.
    """

    def __init__(self, path: Path, *, clock_ms: Callable[[], int] = now_ms, deferred: bool = False) -> None:
        self.path = path.absolute()
        self._deferred = deferred
        self._clock_ms = clock_ms
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._next_purge_ms = 0
        Folders(self.path.parent).ensure(self.path.parent)
        _create(self.path)
        with self._connection():
            pass
        fsync_folder(self.path.parent)

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """The items that exist, in the order of `keys`."""
        check_keys(keys)
        now = self._now()
        with self._connection() as connection:
            found = (_find(connection, key, now) for key in keys)
            return [item for item in found if item is not None]

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        """At most `limit` items of a partition with start ≤ sk < end, rising or falling by sk."""
        check_partition(pk)
        check_bounds(start, end)
        upper, bounds = ("", (pk, start)) if end is None else ("AND sk < ?", (pk, start, end))
        sql = (
            f"SELECT {_COLUMNS} FROM items WHERE pk = ? AND sk >= ? {upper} AND {_ALIVE} "  # noqa: S608 - constants
            f"ORDER BY sk {'DESC' if reverse else 'ASC'} LIMIT ?"
        )
        with self._connection() as connection:
            return [Item(*row) for row in connection.execute(sql, (*bounds, self._now(), max(limit, 0)))]

    def transact(self, writes: Sequence[Write]) -> None:
        """All writes or none. Raises `ConditionFailed`, `StoreUnavailable`, `StoreFull`, `ValueError`."""
        check_writes(writes)
        if not writes:
            return
        now = self._now()
        with self._connection() as connection, _transaction(connection):
            _check_conditions(connection, writes, now)
            for write in writes:
                if isinstance(write, Put):
                    item = write.item
                    connection.execute(_PUT, (item.pk, item.sk, item.data, item.version, item.expires))
                elif isinstance(write, Delete):
                    connection.execute(_DELETE, write.key)
            self._purge(connection)

    def sync(self) -> None:
        """Return when every transaction that returned survives a power cut. Raises `StoreError`."""
        log = self.path.with_name(self.path.name + "-wal")
        with store_errors(f"sync {log}"), suppress(FileNotFoundError):  # gone: all of it is in the file, and synced
            descriptor = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
            try:
                sync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Let go of the file; connections in use are closed when their call ends. Later calls fail."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _now(self) -> int:
        return self._clock_ms() // 1000

    def _purge(self, connection: apsw.Connection) -> None:
        now_ms = self._clock_ms()
        if now_ms >= self._next_purge_ms:
            self._next_purge_ms = now_ms + PURGE_EVERY_MS
            connection.execute(_PURGE, (now_ms // 1000, PURGE_ITEMS))

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        """A connection for one call; it goes back to the idle ones unless the call broke it."""
        with _errors(self.path):
            with self._lock:
                if self._closed:
                    raise StoreUnavailable(f"{self.path}: closed")
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = _open(self.path, "NORMAL" if self._deferred else "FULL")
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _give_back(self, connection: apsw.Connection) -> None:
        with self._lock:
            if not self._closed and not connection.in_transaction:
                self._idle.append(connection)
                return
        connection.close()


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    """One write transaction: committed at the end, rolled back by any exception.

    Not APSW's own `with connection`: that holds the GIL while it waits for another thread's transaction.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _find(connection: apsw.Connection, key: Key, now: int) -> Item | None:
    row = connection.execute(_GET, (key.pk, key.sk, now)).fetchone()
    return None if row is None else Item(*row)


def _check_conditions(connection: apsw.Connection, writes: Sequence[Write], now: int) -> None:
    failed = [
        index
        for index, write in enumerate(writes)
        if (condition := condition_of(write)) is not None
        and not holds(condition, _find(connection, key_of(write), now))
    ]
    if failed:
        raise ConditionFailed(tuple(failed))


def _create(path: Path) -> None:
    """An empty file only for us to read. One that is there is not even opened: closing it would drop SQLite's locks."""
    with store_errors(f"create {path}"), suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))


def _open(path: Path, synchronous: str) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        _use_wal(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: apsw.Connection) -> None:
    """Switch to WAL. SQLite does not wait for its lock here as elsewhere, so another opener may be met."""
    for attempt in range(_OPEN_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except apsw.BusyError:
            if attempt == _OPEN_ATTEMPTS - 1:
                raise
            time.sleep(_OPEN_PAUSE_S)
        else:
            return


def _facts(connection: apsw.Connection) -> tuple[int, int, int]:
    """Schema version, application id and number of tables, all of one moment: another opener may be at work."""
    connection.execute("SAVEPOINT facts")
    try:
        return (
            _number(connection, "PRAGMA user_version"),
            _number(connection, "PRAGMA application_id"),
            _number(connection, "SELECT count(*) FROM sqlite_schema"),
        )
    finally:
        connection.execute("RELEASE facts")


def _number(connection: apsw.Connection, sql: str) -> int:
    [(value,)] = connection.execute(sql).fetchall()
    return value if isinstance(value, int) else 0


def _migrate(connection: apsw.Connection, path: Path) -> None:
    """Make the schema in a new file; refuse a file that is not ours or too new."""
    if _is_current(connection, path):
        return
    with _transaction(connection):
        if not _is_current(connection, path):
            connection.execute(SCHEMA)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _is_current(connection: apsw.Connection, path: Path) -> bool:
    """Whether the schema is there; False for an empty file."""
    version, application, tables = _facts(connection)
    if (version, application, tables) == (0, 0, 0):
        return False
    if application != APPLICATION_ID:
        raise ConfigError(f"{path}: a database of another program")
    if version > SCHEMA_VERSION:
        raise ConfigError(f"{path}: schema {version} of a newer mailscribe, this one knows {SCHEMA_VERSION}")
    return True


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.FullError as error:
        raise StoreFull(f"{path}: {error}") from error
    except apsw.NotADBError as error:
        raise ConfigError(f"{path}: not a database") from error
    except apsw.CorruptError as error:
        raise StoreError(f"{path}: {error}") from error
    except apsw.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
