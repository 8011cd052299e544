"""The front end's store in the embedded stack: messages and transcripts as files of the data folder.

A message stays in memory while it is small and goes to `open/<ulid>.eml` when it grows; a transcript is appended to
`open/<ulid>.jsonl` as its lines come, so that it outlives a kill. Both become objects only by the committer.
Errors on the way are kept for `commit` or `close`.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError, StoreError
from mailscribe.store.keys import message_key, refused_key, session_key
from mailscribe_local import durable
from mailscribe_local.committer import Committer
from mailscribe_local.publisher import Publication, Publisher
from mailscribe_smtp.ports import ObjectWriter, TranscriptWriter

SPILL_BYTES: Final = 65_536
"""Content beyond this goes to its file while it arrives."""

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class LocalSpool:
    """Passes tests/contract/test_spool.py. `notify` is called, in a thread, after each journal fsync."""

    def __init__(self, data: Path, *, notify: Callable[[], None]) -> None:
        """Make the folders and start the thread. Raises `ConfigError` when the data folder cannot be used."""
        try:
            self._publisher = Publisher(data)
        except StoreError as error:
            raise ConfigError(f"data folder {data}: {error}") from error
        self._committer = Committer(self._publisher, notify=notify)

    def message(self, ulid: str) -> ObjectWriter:
        """Begin the object of a message."""
        return _MessageWriter(self._committer, f"{self._publisher.open}/{ulid}.eml", ulid)

    def transcript(self, ulid: str) -> TranscriptWriter:
        """Begin the transcript of a session."""
        return _TranscriptWriter(self._committer, self._publisher.open, ulid)

    async def delete(self, ulid: str) -> None:
        """Take back a message, or refused content."""
        for key in (message_key(ulid), refused_key(ulid)):
            await _quietly(self._committer, partial(self._publisher.remove, key))

    async def healthy(self) -> bool:
        """Whether the thread works and the folder takes files."""
        return self._committer.alive and await asyncio.to_thread(os.access, self._publisher.open, os.W_OK)

    async def close(self) -> None:
        """End the thread. Transcripts that are still open stay where recovery finds them."""
        await self._committer.close()


class _MessageWriter:
    __slots__ = ("_chunks", "_committer", "_descriptor", "_error", "_path", "_publication", "_ulid", "_written", "held")

    def __init__(self, committer: Committer, path: str, ulid: str) -> None:
        self._committer = committer
        self._path = path
        self._ulid = ulid
        self._chunks: list[bytes] = []
        self._written = 0
        self._descriptor: int | None = None
        self._error: StoreError | None = None
        self._publication: Publication | None = None
        self.held = 0

    def write(self, data: bytes) -> bool:
        if self._error is None:
            self._chunks.append(data)
            self.held += len(data)
            if self.held > SPILL_BYTES:
                try:
                    self._spill()
                except StoreError as error:
                    self._error = error
                    self._drop()
        return True

    async def drain(self) -> None:
        """Never called: nothing waits in memory but a small message."""

    async def commit(self) -> None:
        await self._publish(message_key(self._ulid), journaled=True)

    async def commit_refused(self) -> None:
        await self._publish(refused_key(self._ulid), journaled=False)

    async def _publish(self, key: str, *, journaled: bool) -> None:
        self._close()
        if self._error is not None:
            raise self._error
        self._publication = Publication(self._path, key, self._written, self._chunks, journaled=journaled)
        await self._committer.publish(self._publication)
        self._chunks, self.held = [], 0

    async def abort(self) -> None:
        if self._publication is None:
            self._drop()
            return
        self._publication.cancelled = True
        await _quietly(self._committer, lambda: durable.discard(self._path))

    def _spill(self) -> None:
        if self._descriptor is None:
            with durable.store_errors(f"create {self._path}"):
                self._descriptor = os.open(self._path, _FLAGS | os.O_EXCL, durable.FILE_MODE)
        data = b"".join(self._chunks)
        durable.write_all(self._descriptor, data)
        self._written += len(data)
        self._chunks, self.held = [], 0

    def _drop(self) -> None:
        self._chunks, self.held = [], 0
        if self._close():
            durable.discard(self._path)

    def _close(self) -> bool:
        if self._descriptor is None:
            return self._written > 0
        os.close(self._descriptor)
        self._descriptor = None
        return True


class _TranscriptWriter:
    """One for each open session: it keeps no path, which would be the largest thing in it."""

    __slots__ = ("_committer", "_descriptor", "_folder", "_pending", "_publication", "_ulid", "_written")

    def __init__(self, committer: Committer, folder: Path, ulid: str) -> None:
        self._committer = committer
        self._folder = folder
        self._ulid = ulid
        self._pending = b""
        self._written = 0
        self._descriptor: int | None = None
        self._publication: Publication | None = None

    def append(self, lines: bytes) -> None:
        self._pending += lines
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path(), _FLAGS, durable.FILE_MODE)
            count = os.write(self._descriptor, self._pending)
        except OSError:
            return  # full, or no descriptors left: tried again with the next lines, and at `close`
        self._written += count
        self._pending = self._pending[count:]

    async def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._publication is None:
            self._publication = Publication(self._path(), session_key(self._ulid), self._written, [self._pending])
        await self._committer.publish(self._publication, may_wait=True)

    async def discard(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._pending = b""
        durable.discard(self._path())

    def _path(self) -> str:
        return f"{self._folder}/{self._ulid}.jsonl"


async def _quietly(committer: Committer, work: Callable[[], None]) -> None:
    with suppress(StoreError):
        await committer.run(work)
