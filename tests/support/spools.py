"""Spools for tests: one in memory; one that wraps any other and fails or waits as told; one that watches another."""

import asyncio
from collections.abc import Awaitable, Callable

from mailscribe.store.keys import message_key, refused_key, session_key
from mailscribe_smtp.ports import ObjectWriter, Spool, TranscriptWriter

type Hook = Callable[[str], Awaitable[None]]
"""Called with a key; may wait, and may raise."""


class MemorySpool:
    """Objects by key. `live` holds the transcripts that are still open, by session id."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.live: dict[str, bytes] = {}
        self.writing: set[str] = set()

    def message(self, ulid: str) -> ObjectWriter:
        return _MemoryMessage(self, ulid)

    def transcript(self, ulid: str) -> TranscriptWriter:
        self.live[ulid] = b""
        return _MemoryTranscript(self, ulid)

    async def delete(self, ulid: str) -> None:
        self.objects.pop(message_key(ulid), None)
        self.objects.pop(refused_key(ulid), None)

    async def healthy(self) -> bool:
        return True

    async def close(self) -> None:
        return

    @property
    def messages(self) -> list[bytes]:
        """The stored messages, in the order of their ids."""
        return [self.objects[key] for key in sorted(self.objects) if key.startswith("messages/")]

    @property
    def sessions(self) -> list[bytes]:
        """The stored transcripts, in the order of their ids."""
        return [self.objects[key] for key in sorted(self.objects) if key.startswith("sessions/")]


class _MemoryMessage:
    def __init__(self, spool: MemorySpool, ulid: str) -> None:
        self._spool = spool
        self._ulid = ulid
        self._chunks: list[bytes] = []
        spool.writing.add(ulid)

    @property
    def held(self) -> int:
        return sum(map(len, self._chunks))

    def write(self, data: bytes) -> bool:
        self._chunks.append(data)
        return True

    async def drain(self) -> None:
        return

    async def commit(self) -> None:
        await asyncio.sleep(0)  # no store is done at once
        self._keep(message_key(self._ulid))

    async def commit_refused(self) -> None:
        await asyncio.sleep(0)
        self._keep(refused_key(self._ulid))

    async def abort(self) -> None:
        self._chunks.clear()
        self._spool.writing.discard(self._ulid)

    def _keep(self, key: str) -> None:
        self._spool.objects[key] = b"".join(self._chunks)
        self._spool.writing.discard(self._ulid)


class _MemoryTranscript:
    def __init__(self, spool: MemorySpool, ulid: str) -> None:
        self._spool = spool
        self._ulid = ulid

    def append(self, lines: bytes) -> None:
        self._spool.live[self._ulid] += lines

    async def discard(self) -> None:
        self._spool.live.pop(self._ulid, None)

    async def close(self) -> None:
        self._spool.objects[session_key(self._ulid)] = self._spool.live.pop(self._ulid)


class WatchedSpool:
    """Another spool whose messages are looked at: `most` are the most bytes that one has held in memory."""

    def __init__(self, inner: Spool) -> None:
        self.inner = inner
        self.most = 0

    def message(self, ulid: str) -> ObjectWriter:
        return _WatchedMessage(self, self.inner.message(ulid))

    def transcript(self, ulid: str) -> TranscriptWriter:
        return self.inner.transcript(ulid)

    async def delete(self, ulid: str) -> None:
        await self.inner.delete(ulid)

    async def healthy(self) -> bool:
        return await self.inner.healthy()

    async def close(self) -> None:
        await self.inner.close()


class _WatchedMessage:
    def __init__(self, spool: WatchedSpool, inner: ObjectWriter) -> None:
        self._spool = spool
        self._inner = inner

    @property
    def held(self) -> int:
        return self._inner.held

    def write(self, data: bytes) -> bool:
        goes_on = self._inner.write(data)
        self._look()
        return goes_on

    async def drain(self) -> None:
        await self._inner.drain()

    async def commit(self) -> None:
        self._look()
        await self._inner.commit()
        self._look()

    async def commit_refused(self) -> None:
        self._look()
        await self._inner.commit_refused()

    async def abort(self) -> None:
        await self._inner.abort()

    def _look(self) -> None:
        self._spool.most = max(self._spool.most, self._inner.held)


async def _nothing(key: str) -> None:
    return


class FaultySpool:
    """Another spool with hooks: before and after a message's commit, and before a transcript's close."""

    def __init__(
        self, inner: Spool, *, before: Hook = _nothing, after: Hook = _nothing, closing: Hook = _nothing
    ) -> None:
        self.inner = inner
        self.before = before
        self.after = after
        self.closing = closing
        self.deleted: list[str] = []
        self.aborted: list[str] = []

    def message(self, ulid: str) -> ObjectWriter:
        return _FaultyMessage(self, self.inner.message(ulid), ulid)

    def transcript(self, ulid: str) -> TranscriptWriter:
        return _FaultyTranscript(self, self.inner.transcript(ulid), ulid)

    async def delete(self, ulid: str) -> None:
        self.deleted.append(ulid)
        await self.inner.delete(ulid)

    async def healthy(self) -> bool:
        return await self.inner.healthy()

    async def close(self) -> None:
        await self.inner.close()


class _FaultyMessage:
    def __init__(self, spool: FaultySpool, inner: ObjectWriter, ulid: str) -> None:
        self._spool = spool
        self._inner = inner
        self._ulid = ulid

    @property
    def held(self) -> int:
        return self._inner.held

    def write(self, data: bytes) -> bool:
        return self._inner.write(data)

    async def drain(self) -> None:
        await self._inner.drain()

    async def commit(self) -> None:
        await self._spool.before(self._ulid)
        await self._inner.commit()
        await self._spool.after(self._ulid)

    async def commit_refused(self) -> None:
        await self._spool.before(self._ulid)
        await self._inner.commit_refused()
        await self._spool.after(self._ulid)

    async def abort(self) -> None:
        self._spool.aborted.append(self._ulid)
        await self._inner.abort()


class _FaultyTranscript:
    def __init__(self, spool: FaultySpool, inner: TranscriptWriter, ulid: str) -> None:
        self._spool = spool
        self._inner = inner
        self._ulid = ulid

    def append(self, lines: bytes) -> None:
        self._inner.append(lines)

    async def discard(self) -> None:
        await self._inner.discard()

    async def close(self) -> None:
        await self._spool.closing(self._ulid)
        await self._inner.close()
