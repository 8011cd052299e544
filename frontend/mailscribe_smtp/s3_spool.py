"""The front end's store when deployed: one S3 put per message and per session, by obstore.

Small content waits in memory, larger content in a file; up to a part it goes by one put, beyond that in parts while it
arrives. What is on its way takes turns: many small puts, few large ones, so that memory is bounded whatever comes.
Any exception of obstore is `StoreUnavailable`: its errors carry no status code. Keys are unique, so puts
overwrite. An upload given up is ended by an exception from its source, which makes obstore abort
it; a cancelled one is left to the bucket's rule for incomplete uploads.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import obstore
from obstore.store import MemoryStore, S3Store

from mailscribe.errors import ConfigError, StoreError, StoreUnavailable
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key, refused_key, session_key
from mailscribe_smtp.overflow import MEMORY_BYTES, Overflow, check_overflow
from mailscribe_smtp.ports import ObjectWriter, TranscriptWriter
from mailscribe_smtp.s3_upload import Upload

if TYPE_CHECKING:
    from obstore.store import S3Config  # exists for type checkers only

PUTS: Final = 64
"""Puts in flight at a time, of what fits in memory."""

LARGE_PUTS: Final = 8
"""Puts and parts in flight at a time, of what waits in files: so many times a part is in memory."""

PART_BYTES: Final = 5 * 1024 * 1024
"""Content up to this size is one put; S3's least part."""

MESSAGE_TYPE: Final = "message/rfc822"
TRANSCRIPT_TYPE: Final = "application/jsonl"

REQUEST_SECONDS: Final = 10
"""Wait for one answer of S3; what fails is tried again."""

_PROBE: Final = "health/"
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
"""S3's word for what is wrong, in the text of obstore's errors: for the operator, never decided upon."""

type Store = S3Store | MemoryStore


class S3Spool:
    """Passes tests/contract/test_spool.py."""

    def __init__(self, store: Store, *, name: str = "", part_bytes: int = PART_BYTES) -> None:
        self._store = store
        self._name = name
        self.part_bytes = part_bytes
        self._puts = asyncio.Semaphore(PUTS)
        self._large = asyncio.Semaphore(LARGE_PUTS)

    @classmethod
    def from_settings(cls, settings: Settings, environ: Mapping[str, str]) -> Self:
        """The spool on `settings.bucket`; region, endpoint and credentials as AWS names them. Raises `ConfigError`."""
        if not settings.bucket:
            raise ConfigError("MAILSCRIBE_BUCKET is not set")
        check_overflow()
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
        """Take back a message, or refused content."""
        with suppress(StoreError):
            await _mapped("delete", obstore.delete_async(self._store, [message_key(ulid), refused_key(ulid)]))

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

    def turn(self, size: int) -> asyncio.Semaphore:
        """What a put of that size waits for."""
        return self._puts if size <= MEMORY_BYTES else self._large

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """One put of a whole object, in its turn. Raises `StoreUnavailable`."""
        attributes = {"Content-Type": content_type}
        await _mapped(
            f"put {key}", obstore.put_async(self._store, key, data, attributes=attributes, use_multipart=False)
        )

    def upload(self, key: str, content: Overflow) -> Upload:
        """Begin to store content that still arrives."""

        def put(pieces: AsyncIterator[bytes]) -> Coroutine[Any, Any, None]:
            return _mapped(
                f"upload {key}",
                obstore.put_async(
                    self._store,
                    key,
                    pieces,
                    attributes={"Content-Type": MESSAGE_TYPE},
                    chunk_size=self.part_bytes,
                    max_concurrency=1,
                ),
            )

        return Upload(content, put, slots=self._large, part_bytes=self.part_bytes)


class _MessageWriter:
    __slots__ = ("_content", "_error", "_sending", "_spool", "_ulid", "_upload")

    def __init__(self, spool: S3Spool, ulid: str) -> None:
        self._spool = spool
        self._ulid = ulid
        self._content = Overflow()
        self._upload: Upload | None = None
        self._error: StoreError | None = None
        self._sending = 0

    @property
    def held(self) -> int:
        return self._content.held + self._sending + (self._upload.held if self._upload else 0)

    def write(self, data: bytes) -> bool:
        upload = self._upload
        if self._error is not None or (upload is not None and upload.done):
            self._content.close()
            return True
        try:
            self._content.append(data)
        except StoreError as error:
            self._error = error
            self._drop()
            return True
        if upload is not None:
            return upload.grown()
        if self._content.size > self._spool.part_bytes:
            self._upload = self._spool.upload(message_key(self._ulid), self._content)
        return True

    async def drain(self) -> None:
        if self._upload is not None:
            await self._upload.keep_up()

    async def commit(self) -> None:
        if self._error is not None:
            raise self._error
        await self._store(message_key(self._ulid))

    async def commit_refused(self) -> None:
        if self._error is not None:
            raise self._error
        if self._upload is not None:  # it bears the name of a message
            await self._upload.give_up()
            self._upload = self._spool.upload(refused_key(self._ulid), self._content)
        await self._store(refused_key(self._ulid))

    async def abort(self) -> None:
        self._drop()
        if self._upload is not None:
            await self._upload.give_up()

    async def _store(self, key: str) -> None:
        if self._upload is not None:
            await self._upload.finish()
        else:
            await self._put(key)
        self._content.close()

    async def _put(self, key: str) -> None:
        async with self._spool.turn(self._content.size):
            data = self._content.read(0, self._content.size)
            self._content.close()
            self._sending = len(data)
            try:
                await self._spool.put(key, data, MESSAGE_TYPE)
            finally:
                self._sending = 0

    def _drop(self) -> None:
        self._content.close()
        if self._upload is not None:
            self._upload.drop()


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
        lines = b"".join(self._lines)
        async with self._spool.turn(len(lines)):
            await self._spool.put(session_key(self._ulid), lines, TRANSCRIPT_TYPE)


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
            "timeout": timedelta(seconds=REQUEST_SECONDS),
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
