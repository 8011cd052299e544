"""The HTTP host of the local stack: ASGI requests to payload-2.0 events and answers back, over uvicorn on h11.

It knows no route. Each request goes to the API in a small pool of threads; what the API gives back as a `Stream` is
sent chunk by chunk, and a `Held` wait or a `Live` answer is held as a coroutine, so that any number of them costs no
thread. A wait ends when it is over, when its client is gone, or when the host stops (503).
"""

import asyncio
import base64
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import partial
from typing import Any, Final, Protocol

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailscribe.errors import ConfigError, StoreUnavailable
from mailscribe.service.api import Held, Live, Payload, Stream
from mailscribe.service.api.problems import (
    CONTENT_TYPE,
    RETRY_SECONDS,
    STOPPING,
    TOO_LARGE,
    UNAVAILABLE,
    UNEXPECTED,
    Problem,
    problem_document,
)
from mailscribe.service.waits import Wake, wait
from mailscribe_local.live import LiveAnswer, Timing

MAX_BODY: Final = 1 << 20
"""Bytes of a request's body that are read at all; the API takes fewer."""
MAX_HEADERS: Final = 65_536
"""Bytes of a request's line and header fields."""
THREADS: Final = 4
"""Requests that are answered at once; the rest stand in a queue."""
WAIT_THREADS: Final = 2
"""Polls of held waits and live answers that run at once, apart from other requests."""
GRACE_SECONDS: Final = 5
"""Time that requests in flight get at `stop`."""

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Starter(Protocol):
    """What answers events; `mailscribe.service.api.Api` is one."""

    def start(self, event: Payload) -> Payload:
        """The answer, whose body may be a `Stream`, a `Held` wait or `Live`."""
        ...


class HttpHost:
    """Serves the API on one address of this machine. `wake` is rung by whoever makes something readable."""

    def __init__(self, api: Starter, wake: Wake, *, access_log: bool = False, timing: Timing | None = None) -> None:
        self._api = api
        self._wake = wake
        self._access_log = access_log
        self._timing = timing or Timing()
        self._stopping = asyncio.Event()
        self._requests = ThreadPoolExecutor(THREADS, thread_name_prefix="http")
        self._polls = ThreadPoolExecutor(WAIT_THREADS, thread_name_prefix="wait")
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 picks a free one. Returns the address. Raises `ConfigError` when it cannot be had."""
        listener = _bind(host, port)
        config = uvicorn.Config(
            self,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=self._access_log,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEADERS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")
        await self._server.listening(self._serving)
        address: tuple[str, int] = listener.getsockname()[:2]
        return address

    async def stop(self) -> None:
        """Take no more requests, end held waits, and return when what is in flight is answered."""
        self._stopping.set()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        for pool in (self._requests, self._polls):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI request."""
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        if body is None:
            await self._send(send, _problem(TOO_LARGE, scope["path"]))
            return
        event = _event(scope, body)
        answer = await self._ask(lambda: self._api.start(event), scope["path"])
        if isinstance(answer["body"], Held):
            held = await self._hold(answer["body"], scope["path"], receive)
            if held is None:
                return
            answer = held
        if isinstance(answer["body"], Live):
            await self._follow(answer, scope, receive, send)
        else:
            await self._send(send, answer)

    async def _hold(self, held: Held, path: str, receive: Receive) -> Payload | None:
        """The answer of a held wait; None when its client is gone."""
        match await self._until_over(self._wait(held), receive):
            case _Over.GONE:
                return None
            case _Over.STOPPING:
                return _problem(STOPPING, path)
            case _Over.DONE:
                return await self._ask(held.finish, path)

    async def _follow(self, answer: Payload, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a live answer until it is over, its client is gone or stuck, or the host stops."""
        following = LiveAnswer(answer["body"], partial(self._in, self._polls), self._wake, send, self._timing)
        try:
            problem = await self._begin(following, scope["path"])
            if problem is not None:
                await self._send(send, problem)
                return
            over = await self._until_over(following.go_on(answer["headers"]), receive)
            if over is not _Over.GONE and not await following.end():
                await _cut(scope, receive)
        finally:
            await following.close()

    async def _begin(self, following: LiveAnswer, path: str) -> Payload | None:
        """Begin a live answer; the problem that kept it from that."""
        try:
            await following.begin()
        except StoreUnavailable as error:
            _log.warning("store unavailable at %s: %s", path, error)
            return _problem(UNAVAILABLE, path)
        except Exception:  # noqa: BLE001 - as in `_ask`
            _log.exception("the API failed at %s", path)
            return _problem(UNEXPECTED, path)
        return None

    async def _until_over(self, work: Coroutine[None, None, None], receive: Receive) -> "_Over":
        """Let it work until it is done, its client is gone or the host stops."""
        ending = {
            asyncio.create_task(work): _Over.DONE,
            asyncio.create_task(_disconnected(receive)): _Over.GONE,
            asyncio.create_task(self._stopping.wait()): _Over.STOPPING,
        }
        try:
            done, _ = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
        return min((ending[task] for task in done), key=lambda over: over.value)

    async def _ask(self, work: Callable[[], Payload], path: str) -> Payload:
        try:
            return await self._in(self._requests, work)
        except Exception:  # noqa: BLE001 - logged, and answered without a word of it
            _log.exception("the API failed at %s", path)
            return _problem(UNEXPECTED, path)

    async def _wait(self, held: Held) -> None:
        async def poll() -> bool | None:
            try:
                return await self._in(self._polls, held.poll) or None
            except StoreUnavailable:
                return None  # it may be back before the wait is over; if not, `finish` says so

        with contextlib.suppress(Exception):  # `finish` meets the same fault and says it properly
            await wait(poll, seconds=held.seconds, wake=self._wake)

    async def _send(self, send: Send, answer: Payload) -> None:
        body = answer["body"]
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        data = b"" if isinstance(body, Stream) else _bytes(answer)
        if answer["statusCode"] not in (204, 304):
            headers.setdefault("content-length", str(body.length if isinstance(body, Stream) else len(data)))
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        fields += [(b"set-cookie", cookie.encode("latin-1")) for cookie in answer.get("cookies", ())]
        await send({"type": "http.response.start", "status": answer["statusCode"], "headers": fields})
        if isinstance(body, Stream):
            chunks = body.chunks()
            while chunk := await self._in(self._requests, lambda: next(chunks, b"")):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": data, "more_body": False})

    @staticmethod
    async def _in[T](pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)


class _Over(Enum):
    """Why something that was held is over; of several reasons the first counts."""

    GONE = 0
    DONE = 1
    STOPPING = 2


class _Protocol(H11Protocol):
    """Lets an app cut its connection: `abort` in the scope's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = self.app_state | {"abort": transport.abort}


class _Server(uvicorn.Server):
    """uvicorn inside a process that has its own ideas of signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()

    async def listening(self, serving: "asyncio.Task[None]") -> None:
        """Return when requests are taken; raises what kept the server from that."""
        up = asyncio.create_task(self._up.wait())
        await asyncio.wait({up, serving}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if serving.done():
            await serving

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._up = asyncio.Event()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"HTTP address {host}:{port}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigError(f"HTTP address {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def _event(scope: Scope, body: bytes) -> Payload:
    """The payload-2.0 event of a request, as API Gateway would send it."""
    headers, cookies = _fields(scope["headers"])
    client = scope.get("client") or ("", 0)
    http = {
        "method": scope["method"],
        "path": scope["path"],
        "protocol": f"HTTP/{scope['http_version']}",
        "sourceIp": client[0],
        "userAgent": headers.get("user-agent", ""),
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": scope["path"],
        "rawQueryString": scope["query_string"].decode("latin-1"),
        "cookies": cookies,
        "headers": headers,
        "requestContext": {"http": http, "routeKey": "$default", "stage": "$default"},
        "body": base64.b64encode(body).decode("ascii"),
        "isBase64Encoded": True,
    }


def _fields(pairs: list[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    """Header fields by lower-case name, those given twice joined with commas; cookies apart."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "cookie":
            cookies += [cookie.strip() for cookie in text.split(";") if cookie.strip()]
        else:
            headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers, cookies


def _bytes(answer: Payload) -> bytes:
    body = answer["body"] or ""
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def _problem(problem: Problem, path: str) -> Payload:
    """A problem that the host itself finds."""
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    if problem in (STOPPING, UNAVAILABLE):
        headers["Retry-After"] = RETRY_SECONDS
    text = problem_document(problem, path).decode()
    return {"statusCode": problem.status, "headers": headers, "body": text, "isBase64Encoded": False}


async def _cut(scope: Scope, receive: Receive) -> None:
    """End a connection at once, whatever is still to be sent."""
    scope["state"]["abort"]()
    await _disconnected(receive)


async def _read_body(receive: Receive) -> bytes | None:
    """The request's body; None when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
