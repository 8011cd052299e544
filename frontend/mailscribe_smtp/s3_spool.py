"""The front end's store when deployed: one S3 put per message and per session, by obstore.

Small content waits in memory and goes by one put; larger content is uploaded in parts while it arrives, with bounded
memory. Any exception of obstore is `StoreUnavailable`: its errors carry no status code. Keys are unique, so puts
overwrite. An upload given up is ended by an exception from its source, which makes obstore abort
it; a cancelled one is left to the bucket's rule for incomplete uploads.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import obstore
from obstore.store import MemoryStore, S3Store

from mailscribe.errors import ConfigError, StoreError, StoreUnavailable
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key, refused_key, session_key
from mailscribe_smtp.ports import ObjectWriter, TranscriptWriter

if TYPE_CHECKING:
    from obstore.store import S3Config  # exists for type checkers only

PUTS: Final = 64
"""Puts in flight at a time, and as many uploads in parts."""

PART_BYTES: Final = 5 * 1024 * 1024
"""Content up to this size is one put; S3's least part."""

QUEUE_BYTES: Final = 1024 * 1024
"""Of an upload, bytes that may wait before the client is asked to wait."""

_PIECE_BYTES: Final = 262_144
_REQUEST_SECONDS: Final = 10
_PROBE: Final = "health/"
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
"""S3's word for what is wrong, in the text of obstore's errors: for the operator, never decided upon."""

_MESSAGE_TYPE: Final = "message/rfc822"
_TRANSCRIPT_TYPE: Final = "application/jsonl"

type Store = S3Store | MemoryStore


class S3Spool:
    """Passes tests/contract/test_spool.py."""

    def __init__(self, store: Store, *, name: str = "", part_bytes: int = PART_BYTES) -> None:
        self._store = store
        self._name = name
        self._part_bytes = part_bytes
        self._puts = asyncio.Semaphore(PUTS)
        self._uploads = asyncio.Semaphore(PUTS)

    @classmethod
    def from_settings(cls, settings: Settings, environ: Mapping[str, str]) -> Self:
        """The spool on `settings.bucket`; region, endpoint and credentials as AWS names them. Raises `ConfigError`."""
        if not settings.bucket:
            raise ConfigError("MAILSCRIBE_BUCKET is not set")
        try:
            return cls(_open_store(settings, environ), name=settings.bucket)
        except Exception as error:
            raise ConfigError(f"bucket {settings.bucket!r}: {_first_line(error)}") from error

    @property
    def store(self) -> Store:
        """The bucket, for who reads what is configured in it."""
        return self._store

    def message(self, ulid: str) -> ObjectWriter:
        """Begin the object of a message."""
        return _MessageWriter(self, ulid)

    def transcript(self, ulid: str) -> TranscriptWriter:
        """Begin the transcript of a session."""
        return _TranscriptWriter(self, ulid)

    async def delete(self, ulid: str) -> None:
        """Take back a message."""
        with suppress(StoreError):
            await _mapped("delete", obstore.delete_async(self._store, message_key(ulid)))

    async def check(self) -> None:
        """Whether the bucket is there and may be used. Raises `StoreUnavailable`; its text is for the operator."""
        await _mapped(f"bucket {self._name!r} cannot be used", obstore.list_with_delimiter_async(self._store, _PROBE))

    async def healthy(self) -> bool:
        """Whether the bucket answers."""
        try:
            await self.check()
        except StoreError:
            return False
        return True

    async def close(self) -> None:
        """Nothing to let go of: obstore's connections end with the process."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """One put of a whole object. Raises `StoreUnavailable`."""
        async with self._puts:
            attributes = {"Content-Type": content_type}
            await _mapped(
                f"put {key}", obstore.put_async(self._store, key, data, attributes=attributes, use_multipart=False)
            )

    async def upload(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """A put in parts, one at a time. Raises `StoreUnavailable`."""
        async with self._uploads:
            await _mapped(
                f"upload {key}",
                obstore.put_async(
                    self._store,
                    key,
                    parts,
                    attributes={"Content-Type": _MESSAGE_TYPE},
                    chunk_size=max(self._part_bytes, PART_BYTES),
                    max_concurrency=1,
                ),
            )

    def upload_begins_at(self) -> int:
        """The size from which content is uploaded in parts."""
        return self._part_bytes


class _GivenUp(Exception):
    """Ends an upload whose message was given up."""


class _MessageWriter:
    __slots__ = ("_chunks", "_ended", "_given_up", "_held", "_moved", "_spool", "_task", "_ulid")

    def __init__(self, spool: S3Spool, ulid: str) -> None:
        self._spool = spool
        self._ulid = ulid
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._given_up = False
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def held(self) -> int:
        return self._held

    def write(self, data: bytes) -> bool:
        if self._task is not None and self._task.done():
            self._clear()
            return True
        self._chunks.append(data)
        self._held += len(data)
        if self._task is None and self._held > self._spool.upload_begins_at():
            self._task = asyncio.get_running_loop().create_task(
                self._spool.upload(message_key(self._ulid), self._parts())
            )
            self._task.add_done_callback(self._upload_ended)
        self._moved.set()
        return self._task is None or self._held <= QUEUE_BYTES

    async def drain(self) -> None:
        while self._task is not None and not self._task.done() and self._held > QUEUE_BYTES:
            self._moved.clear()
            await self._moved.wait()

    async def commit(self) -> None:
        self._ended = True
        self._moved.set()
        if self._task is not None:
            await asyncio.shield(self._task)
            return
        await self._put(message_key(self._ulid))

    async def commit_refused(self) -> None:
        if self._task is not None:
            raise StoreUnavailable(f"{self._ulid}: an upload that has begun cannot change its name")
        await self._put(refused_key(self._ulid))

    async def abort(self) -> None:
        self._given_up = True
        self._clear()
        self._moved.set()
        if self._task is not None:
            with suppress(StoreError):
                await self._task

    async def _put(self, key: str) -> None:
        await self._spool.put(key, b"".join(self._chunks), _MESSAGE_TYPE)
        self._clear()

    async def _parts(self) -> AsyncIterator[bytes]:
        """What obstore pulls from: whole pieces, in order, until `commit` or `abort`."""
        while not self._given_up:
            if self._chunks:
                yield self._take()
            elif self._ended:
                return
            else:
                self._moved.clear()
                await self._moved.wait()
        raise _GivenUp

    def _take(self) -> bytes:
        """Whole chunks, as many as make a piece worth handing over."""
        taken: list[bytes] = []
        size = 0
        while self._chunks and size < _PIECE_BYTES:
            taken.append(self._chunks.popleft())
            size += len(taken[-1])
        self._held -= size
        self._moved.set()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _clear(self) -> None:
        self._chunks.clear()
        self._held = 0

    def _upload_ended(self, task: asyncio.Task[None]) -> None:
        self._moved.set()
        if not task.cancelled():
            task.exception()  # `commit` raises it if anybody asks


class _TranscriptWriter:
    __slots__ = ("_lines", "_spool", "_ulid")

    def __init__(self, spool: S3Spool, ulid: str) -> None:
        self._spool = spool
        self._ulid = ulid
        self._lines: list[bytes] = []

    def append(self, lines: bytes) -> None:
        self._lines.append(lines)

    async def discard(self) -> None:
        self._lines.clear()

    async def close(self) -> None:
        await self._spool.put(session_key(self._ulid), b"".join(self._lines), _TRANSCRIPT_TYPE)


def _open_store(settings: Settings, environ: Mapping[str, str]) -> S3Store:
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    config: S3Config = {"region": region}
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        settings.bucket,
        config=config,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=_REQUEST_SECONDS),
        },
        retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=max(1, settings.put_timeout // 2))},
    )


async def _mapped(doing: str, call: Coroutine[Any, Any, object]) -> None:
    try:
        await call
    except Exception as error:
        code = _CODE.search(str(error))
        raise StoreUnavailable(f"{doing}: {code[1] if code else _first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
