"""Files that a power cut cannot take back: write under a temporary name, fsync, rename, fsync the folders.

A name appears only when its content is on the disk, and `publish` returns only when the name is, too. A folder
counts as durable in this process once its own entries up to the root were fsynced here, so that a folder which
another process has made, but not yet synced, is never relied on. Folders are never removed.
Every `OSError` leaves as `StoreFull` or `StoreUnavailable`. POSIX fsync(2), rename(2).
"""

import errno
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from mailscribe.errors import StoreFull, StoreUnavailable

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers that mean: no room."""

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_OPEN_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Move(NamedTuple):
    """A finished temporary file and the name that it is to get."""

    temporary: Path
    target: Path


class StoreErrors:
    """See `store_errors`."""

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            made = StoreFull if error.errno in FULL else StoreUnavailable
            raise made(f"{self._doing}: {error}") from error


def store_errors(doing: str) -> StoreErrors:
    """Turn an `OSError` of the body into `StoreFull` or `StoreUnavailable`; `doing` goes to the operator's log."""
    return StoreErrors(doing)


def sync(descriptor: int) -> None:
    """Force a file's or folder's content to the disk (macOS: past the drive's cache)."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - only there has it F_FULLFSYNC

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    with store_errors(f"sync folder {folder}"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)


def create_temp(folder: Path) -> tuple[int, Path]:
    """A new file of an unused name in `folder` (which exists), open for writing; the caller closes it."""
    path = folder / secrets.token_hex(12)
    with store_errors(f"create {path}"):
        return os.open(path, _OPEN_FLAGS, FILE_MODE), path


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`, however the system cuts it."""
    with store_errors("write"):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def finish(descriptor: int, modified_ns: int | None = None) -> os.stat_result:
    """Set the modification time, if given (finer than the kernel's tick, so that no two versions share it); fsync."""
    with store_errors("sync"):
        if modified_ns is not None:
            os.utime(descriptor, ns=(modified_ns, modified_ns))
        sync(descriptor)
        return os.fstat(descriptor)


def write_temp(folder: Path, chunks: Iterable[bytes], *, modified_ns: int | None = None) -> tuple[Path, os.stat_result]:
    """A whole, fsynced temporary file; nothing is left of it when a write or `chunks` itself fails."""
    descriptor, path = create_temp(folder)
    try:
        for chunk in chunks:
            write_all(descriptor, chunk)
        facts = finish(descriptor, time.time_ns() if modified_ns is None else modified_ns)
    except BaseException:
        discard(path)
        raise
    finally:
        os.close(descriptor)
    return path, facts


def discard(path: Path | str) -> None:
    """Remove a temporary file if it is there; never raises."""
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - a Path costs more than the call


class Folders:
    """The folders under `root` whose own names are known to be on the disk. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._durable: set[Path] = set()
        self._lock = threading.Lock()

    def ensure(self, folder: Path) -> None:
        """Make `folder` (the root or below it) with all parents, durably; a set lookup when that is done already."""
        if folder in self._durable:
            return
        with self._lock:
            missing = [folder, *folder.parents]
            for part in reversed(missing[: missing.index(self.root) + 1]):
                if part not in self._durable:
                    with store_errors(f"make folder {part}"):
                        part.mkdir(FOLDER_MODE, parents=part == self.root, exist_ok=True)
                    fsync_folder(part.parent)
                    self._durable.add(part)

    def forget(self) -> None:
        """Look again next time: someone took folders away."""
        with self._lock:
            self._durable.clear()


def publish(moves: Sequence[Move], folders: Folders) -> None:
    """Give finished files their names, replacing what was there, and fsync each touched folder once.

    All names are durable when this returns. When it raises, any of them may be there, each whole.
    """
    touched: dict[Path, None] = {}
    for move in moves:
        folders.ensure(move.target.parent)
        with store_errors(f"rename to {move.target}"):
            try:
                move.temporary.replace(move.target)
            except FileNotFoundError:
                folders.forget()
                folders.ensure(move.target.parent)
                move.temporary.replace(move.target)
        touched[move.target.parent] = None
    for folder in touched:
        fsync_folder(folder)


def remove(path: Path) -> None:
    """Remove a file durably; an absent one is no error."""
    with store_errors(f"remove {path}"):
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return
    fsync_folder(path.parent)


def sweep(folder: Path) -> int:
    """Remove what dead processes left in a folder of temporary files; only while nobody writes there. Their number."""
    removed = 0
    with store_errors(f"sweep {folder}"):
        for path in list(folder.iterdir()) if folder.is_dir() else []:
            discard(path)
            removed += 1
    return removed
