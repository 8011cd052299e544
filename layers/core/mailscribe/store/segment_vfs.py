"""SQLite over objects: a read-only file system whose files are read in ranges, a block at a time.

SQLite turns whatever goes wrong below it into an I/O error of its own. What a read really failed of stays with the
file, and whoever called SQLite raises that instead. Files are immutable: no locks, no journal, never a write.
"""

import itertools
import threading
from typing import Final

import apsw

from mailscribe.errors import MailscribeError
from mailscribe.store.block_cache import BlockReader

_NAME: Final = "mailscribe-objects"
_SECTOR_BYTES: Final = 4096


class ObjectFile:
    """What SQLite holds of an open object; `failure` is what the last failed read failed of."""

    def __init__(self, reader: BlockReader) -> None:
        self._reader = reader
        self.failure: MailscribeError | None = None

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 (SQLite's name)
        """Bytes; fewer at the end of the file."""
        try:
            return self._reader.read(amount, offset)
        except MailscribeError as error:
            self.failure = error
            raise apsw.IOError(f"{self._reader.key} cannot be read") from error

    def xFileSize(self) -> int:  # noqa: N802 (SQLite's name)
        """Bytes of the object."""
        return self._reader.size

    def xSectorSize(self) -> int:  # noqa: N802 (SQLite's name)
        """What SQLite assumes of disks."""
        return _SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:  # noqa: N802 (SQLite's name)
        """It never changes."""
        return apsw.SQLITE_IOCAP_IMMUTABLE

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: ARG002, N802 (SQLite's name)
        """None is understood."""
        return False

    def xLock(self, level: int) -> None:  # noqa: N802 (SQLite's name)
        """Nobody writes."""

    def xUnlock(self, level: int) -> None:  # noqa: N802 (SQLite's name)
        """Nobody writes."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802 (SQLite's name)
        """Nobody writes."""
        return False

    def xClose(self) -> None:  # noqa: N802 (SQLite's name)
        """There is nothing to give back."""


class _ObjectSystem(apsw.VFS):
    """Opens the files that were announced to it, by the name that they were given."""

    def __init__(self) -> None:
        self._names = itertools.count()
        self._announced: dict[str, ObjectFile] = {}
        super().__init__(_NAME, base="")

    def announce(self, file: ObjectFile) -> str:
        name = f"/{next(self._names)}"
        self._announced[name] = file
        return name

    def forget(self, name: str) -> None:
        self._announced.pop(name, None)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> ObjectFile:  # type: ignore[override]  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        file = self._announced.pop(path or "", None)
        if file is None:
            raise apsw.CantOpenError(f"{path} was not announced")
        flags[1] = apsw.SQLITE_OPEN_READONLY
        return file

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002, N802
        return False


_lock = threading.Lock()
_systems: list[_ObjectSystem] = []


def connect(file: ObjectFile) -> apsw.Connection:
    """A connection that reads the file as its database."""
    with _lock:
        if not _systems:
            _systems.append(_ObjectSystem())
    name = _systems[0].announce(file)
    try:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return apsw.Connection(f"file:{name}?immutable=1", flags=flags, vfs=_NAME)
    finally:
        _systems[0].forget(name)
