"""The embedded stack's journal: which objects have become durable, in order, so that each is ingested.

A line is `{"key","size","at"}` and LF (`at` in ms since 1970), in files `<ulid>.log` whose names rise. One writer
at a time; a start and a failed write each begin a new file, so only the last line of a file can be torn, and a
reader passes a torn line over once the file has a successor: nobody was ever told 250 for it.
A reader takes a line at least once: its position is the caller's to keep.
"""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, Self

import msgspec

from mailscribe.ids import is_ulid, make_ulid, now_ms, ulid_ms
from mailscribe_local import durable
from mailscribe_local.durable import store_errors

ROTATE_BYTES: Final = 16 * 1024 * 1024
_BLOCK: Final = 65_536
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the journal: a file's name and the offset of the next line in it.

    >>> Position.from_json(Position("A.log", 7).to_json())
    Position(file='A.log', offset=7)
    """

    START: ClassVar["Position"]

    file: str
    offset: int

    def to_json(self) -> str:
        """The position as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read back. Raises `ValueError` for anything else."""
        try:
            values = json.loads(text)
            return cls(str(values["file"]), int(values["offset"]))
        except (TypeError, KeyError) as error:
            raise ValueError(f"no journal position: {text!r}") from error


Position.START = Position("", 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object that is durable; `position_after` is where to go on once it is dealt with."""

    key: str
    size: int
    at_ms: int
    position_after: Position


class Line(NamedTuple):
    """What a journal line says."""

    key: str
    size: int
    at_ms: int


class _Stored(msgspec.Struct, frozen=True):
    key: str
    size: int
    at: int


class JournalWriter:
    """Appends to the journal in `folder`, which exists. Belongs to one thread."""

    def __init__(self, folder: Path, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._folder = folder
        self._rotate_bytes = rotate_bytes
        self._descriptor: int | None = None
        self._written = 0

    def append(self, lines: Sequence[Line]) -> None:
        """Return when all `lines` are on the disk. Raises `StoreError`; then none of them may be relied on."""
        data = b"".join(msgspec.json.encode(_Stored(*line)) + b"\n" for line in lines)
        with store_errors("journal"):
            try:
                descriptor = self._file()
                durable.write_all(descriptor, data)
                durable.sync(descriptor)
            except BaseException:
                self.close()
                raise
        self._written += len(data)

    def close(self) -> None:
        """End the file; the next append begins another."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _file(self) -> int:
        if self._descriptor is not None and self._written >= self._rotate_bytes:
            self.close()
        if self._descriptor is None:
            self._descriptor = os.open(self._folder / _next_name(self._folder), _FLAGS, durable.FILE_MODE)
            self._written = 0
            durable.fsync_folder(self._folder)
        return self._descriptor


class JournalReader:
    """Reads the journal in `folder` from `position` on. Files that are done with are removed."""

    def __init__(self, folder: Path, position: Position) -> None:
        self._folder = folder
        self.position = position
        self.skipped = 0
        """Whole lines that were no journal lines."""

    def read(self, limit: int) -> list[Entry]:
        """The next entries, at most `limit`; none when there are none yet.

        A call says that the caller is done with the entries of the call before. Raises `StoreUnavailable`.
        """
        with store_errors(f"journal {self._folder}"):
            names = self._remove_done(_names(self._folder))
            while names:
                if self.position.file not in names:
                    self.position = Position(names[0], 0)
                entries = self._read_file(limit)
                later = [name for name in names if name > self.position.file]
                if entries or not later:
                    return entries
                self.position = Position(later[0], 0)
        return []

    def _remove_done(self, names: list[str]) -> list[str]:
        # When the file of the position is gone somebody else has tidied up: then nothing counts as done.
        if self.position.file not in names:
            return names
        for name in names:
            if name < self.position.file:
                durable.discard(self._folder / name)
        return [name for name in names if name >= self.position.file]

    def _read_file(self, limit: int) -> list[Entry]:
        """Entries of the position's file. The successor was looked for before: so its end is final if there is one."""
        entries: list[Entry] = []
        name, offset = self.position.file, self.position.offset
        with (self._folder / name).open("rb") as file:
            file.seek(offset)
            while len(entries) < limit and (line := file.readline(_BLOCK)):
                if not line.endswith(b"\n") and len(line) < _BLOCK:
                    break
                offset += len(line)
                stored = _decode(line)
                if stored is None:
                    self.skipped += 1
                else:
                    entries.append(Entry(stored.key, stored.size, stored.at, Position(name, offset)))
        self.position = Position(name, offset)
        return entries


def _decode(line: bytes) -> _Stored | None:
    try:
        return msgspec.json.decode(line, type=_Stored)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if path.suffix == ".log" and is_ulid(path.stem))
    except FileNotFoundError:
        return []


def _next_name(folder: Path) -> str:
    """A name greater than all others, also when the clock has stepped back."""
    last = max((name.removesuffix(".log") for name in _names(folder)), default="")
    name = make_ulid(now_ms(), secrets.randbits(80))
    return f"{name if name > last else make_ulid(ulid_ms(last) + 1, 0)}.log"
