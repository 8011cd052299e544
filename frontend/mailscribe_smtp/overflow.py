"""Content that waits to be stored: a little of it in memory, the rest in a file without a name.

Such a file is gone with the process, however that ends. Folder: as `tempfile` chooses, so TMPDIR names it. Written in
pieces of some size, to the page cache; nothing is synced, for nobody was promised anything yet (ADR 14).
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from mailscribe.errors import ConfigError, StoreFull, StoreUnavailable

MEMORY_BYTES: Final = 262_144
"""Content up to this size never touches a disk."""

GATHER_BYTES: Final = 65_536
"""Of larger content, what is gathered before it is written."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Overflow:
    """Bytes in order, appended at the end, read anywhere."""

    __slots__ = ("_chunks", "_closed", "_file", "held", "size")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._closed = False
        self.size = 0
        """All bytes."""
        self.held = 0
        """Those in memory."""

    def append(self, data: bytes) -> None:
        """Take the next bytes. Raises `StoreFull` and `StoreUnavailable`; then nothing of it can be used any more."""
        self._chunks.append(data)
        self.held += len(data)
        self.size += len(data)
        if self.held > (MEMORY_BYTES if self._file is None else GATHER_BYTES):
            self._spill()

    def read(self, start: int, end: int) -> bytes:
        """Bytes from `start` up to `end`, which is no more than `size`. Raises `StoreUnavailable`."""
        if self._closed:
            raise StoreUnavailable("what was to be stored has been dropped")
        if self._file is None:
            return b"".join(self._chunks)[start:end]
        if end > self.size - self.held:
            self._spill()
        with _errors("read"):
            data = os.pread(self._file.fileno(), end - start, start)
        if len(data) != end - start:
            raise StoreUnavailable("a temporary file is shorter than what was written to it")
        return data

    def close(self) -> None:
        """Drop all. Idempotent."""
        self._closed = True
        self._chunks, self.held = [], 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self) -> None:
        with _errors("write"):
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `close` closes it
            rest = memoryview(b"".join(self._chunks))
            while rest:
                rest = rest[self._file.write(rest) :]
        self._chunks, self.held = [], 0


def check_overflow() -> None:
    """Raises `ConfigError` where no temporary file can be made."""
    try:
        tempfile.TemporaryFile().close()
    except OSError as error:
        raise ConfigError("no folder takes temporary files: TMPDIR names one that does") from error


@contextmanager
def _errors(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = StoreFull if error.errno in _FULL else StoreUnavailable
        raise kind(f"temporary file: {doing}: {error.strerror or error}") from error
