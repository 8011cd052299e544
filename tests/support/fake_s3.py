"""A bucket over HTTP on 127.0.0.1 that speaks as much of S3 as the front end does, and fails where it is told to.

It lives in the test's event loop, so that a test may look into it at any time. Without a fault it passes
tests/contract/test_spool.py. A fault is a hook that is called with an operation and its key, before or after it is
done; it may wait, answer with a status, or cut the connection.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import unescape

BUCKET: Final = "fake"
ENVIRON: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
_EMPTY_LIST: Final = f"<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
_KEYS: Final = re.compile(rb"<Key>(.*?)</Key>")
_POSTS: Final = {"uploads": "create", "delete": "delete"}

type Hook = Callable[[str, str], Awaitable[None]]
"""Called with an operation (`put`, `create`, `part`, `complete`, `abort`, `delete`, `get`, `list`) and a key."""


class Failed(Exception):
    """The answer is this status, with the code that S3 would name."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Cut(Exception):
    """The connection ends without an answer."""


class Gate:
    """A hook that holds some operations until the test lets them go, to be done or to fail with `then`."""

    def __init__(self, *operations: str, then: Exception | None = None) -> None:
        self._operations = frozenset(operations)
        self._then = then
        self._came = 0
        self._moved = asyncio.Condition()
        self._may_go = 0

    async def __call__(self, operation: str, key: str) -> None:
        """Called by the bucket."""
        if operation not in self._operations:
            return
        async with self._moved:
            self._came += 1
            turn = self._came
            self._moved.notify_all()
            await self._moved.wait_for(lambda: turn <= self._may_go)
        if self._then is not None:
            raise self._then

    async def reached(self, number: int) -> None:
        """Return when so many have come since the beginning."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._came >= number)

    async def let_go(self, number: int) -> None:
        """Let so many more go, in the order in which they came."""
        async with self._moved:
            self._may_go += number
            self._moved.notify_all()

    async def open(self) -> None:
        """Let all go, now and later."""
        await self.let_go(1_000_000)


async def _nothing(operation: str, key: str) -> None:
    return


@dataclass
class FakeS3:
    """Objects and unfinished uploads by name; `seen` are the operations, in order."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    before: Hook = _nothing
    """Before the body is read."""
    after: Hook = _nothing
    """When it is done and not yet answered."""
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    _ids: "count[int]" = field(default_factory=count)

    def heal(self) -> None:
        """No fault any more."""
        self.before = self.after = _nothing

    @property
    def environ(self) -> dict[str, str]:
        """What a front end needs to be told to use it."""
        return ENVIRON | {"AWS_ENDPOINT_URL": self.url}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self.connections.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (Cut, ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        method, target, _ = first.split(" ")
        length = int(headers.get("content-length", "0"))
        parts = urlsplit(target)
        key = unquote(parts.path).removeprefix(f"/{BUCKET}").removeprefix("/")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        operation = _operation(method, query)
        self.seen.append(operation)
        extra, body = "", b""
        try:
            await self.before(operation, key)
            content = await reader.readexactly(length)
            extra, body = self._do(operation, key, query, content)
            if operation in ("put", "create"):
                self.types[key] = headers.get("content-type", "")
            await self.after(operation, key)
            status = 204 if operation == "abort" else 200
        except Failed as failed:
            status, extra = failed.status, "Connection: close\r\n"
            body = f"<Error><Code>{failed.code}</Code></Error>".encode()
        writer.write(f"HTTP/1.1 {status} X\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        return "Connection: close" not in extra

    def _do(self, operation: str, key: str, query: dict[str, str], content: bytes) -> tuple[str, bytes]:
        """Header lines and body of the answer. Raises `Failed`."""
        etag = 'ETag: "e"\r\n'
        match operation:
            case "put":
                self.objects[key] = content
            case "create":
                upload = f"{next(self._ids)}"
                self.uploads[upload] = {}
                text = f"<UploadId>{upload}</UploadId><Bucket>{BUCKET}</Bucket><Key>{key}</Key>"
                return "", f"<InitiateMultipartUploadResult>{text}</InitiateMultipartUploadResult>".encode()
            case "part":
                self._upload(query)[int(query["partNumber"])] = content
            case "complete":
                made = self._upload(query)
                self.objects[key] = b"".join(made[number] for number in sorted(made))
                del self.uploads[query["uploadId"]]
                text = f'<Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>"e"</ETag>'
                return "", f"<CompleteMultipartUploadResult>{text}</CompleteMultipartUploadResult>".encode()
            case "abort":
                self.uploads.pop(query["uploadId"], None)
            case "delete":
                for found in _KEYS.findall(content):
                    self.objects.pop(unescape(found.decode()), None)
                return "", b"<DeleteResult/>"
            case "list":
                return "", _EMPTY_LIST.encode()
        return etag, b""

    def _upload(self, query: dict[str, str]) -> dict[int, bytes]:
        try:
            return self.uploads[query["uploadId"]]
        except KeyError:
            raise Failed(404, "NoSuchUpload") from None


def _operation(method: str, query: dict[str, str]) -> str:
    match method:
        case "PUT":
            return "part" if "uploadId" in query else "put"
        case "POST":
            return next((name for mark, name in _POSTS.items() if mark in query), "complete")
        case "DELETE":
            return "abort"
        case _:
            return "list" if "list-type" in query else "get"


@asynccontextmanager
async def fake_s3() -> AsyncIterator[FakeS3]:
    """A bucket on a free port; its connections end with it."""
    made = FakeS3()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for writer in made.connections:
            writer.transport.abort()
