"""A plain HTTP port that says whether mail is taken here: 200, or 503 while it is not. For load balancers.

`/` and `/health` answer that in JSON: `status` is `ok`, `draining`, or `down` while none of several workers answers;
`sessions` how many are open. `/metrics` gives the numbers as Prometheus reads them.

It creates no session record and touches no store: a store that is down is answered by 451 to each message, and
replacing the container would not bring it back. The container's HEALTHCHECK, `python -m mailscribe_smtp.health`,
asks it.
"""

import asyncio
import http.client
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from mailscribe.errors import ConfigError
from mailscribe.settings import load
from mailscribe_smtp.listeners import parse_address
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.prometheus import CONTENT_TYPE, exposition
from mailscribe_smtp.server import SmtpServer, listen_failure
from mailscribe_smtp.snapshot import Snapshot

_REQUEST_BYTES: Final = 8192
_REQUEST_SECONDS: Final = 5.0
_ASK_SECONDS: Final = 3.0
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the port is asked about."""

    draining: Callable[[], bool]
    snapshot: Callable[[], Awaitable[Snapshot]]

    @classmethod
    def of(cls, server: SmtpServer, metrics: Metrics) -> Self:
        """One server, in this process."""

        async def snapshot() -> Snapshot:
            return metrics.snapshot()

        return cls(draining=lambda: server.draining, snapshot=snapshot)


async def serve_health(host: str, port: int, source: Source) -> asyncio.Server:
    """Answer until the server is closed. Raises `ConfigError`."""
    try:
        return await asyncio.start_server(lambda r, w: _answer(r, w, source), host, port, limit=_REQUEST_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {listen_failure(error)}") from error


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: Source) -> None:
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            status, content_type, body = await _found(head, source)
            writer.write(_response(status, content_type, body, with_body=not head.startswith(b"HEAD ")))
            await writer.drain()
    except asyncio.LimitOverrunError:
        writer.write(_response(400, _JSON, b'{"status":"bad request"}', with_body=True))
    except (OSError, EOFError, TimeoutError):
        return
    finally:
        writer.close()


async def _found(head: bytes, source: Source) -> tuple[int, str, bytes]:
    """Status, type and body."""
    words = head.partition(b"\r\n")[0].split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return 400, _JSON, b'{"status":"bad request"}'
    if words[0] not in (b"GET", b"HEAD"):
        return 405, _JSON, b'{"status":"only GET and HEAD"}'
    path = words[1].partition(b"?")[0]
    if path == b"/metrics":
        return 200, CONTENT_TYPE, exposition(await source.snapshot()).encode()
    if path not in (b"/", b"/health"):
        return 404, _JSON, b'{"status":"not found"}'
    return await _health(source)


async def _health(source: Source) -> tuple[int, str, bytes]:
    sessions = (await source.snapshot()).numbers.get(("mailscribe_sessions_open", ()))
    status = "draining" if source.draining() else "ok" if sessions is not None else "down"
    body = msgspec.json.encode({"status": status, "sessions": int(sessions or 0)})
    return 200 if status == "ok" else 503, _JSON, body


def _response(status: int, content_type: str, body: bytes, *, with_body: bool) -> bytes:
    allow = "Allow: GET, HEAD\r\n" if status == 405 else ""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"{allow}Connection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def ask(environ: Mapping[str, str]) -> int:
    """The exit code of a health check: 0 when this container's port answers 200 or when it has none."""
    listen = load(environ).health_listen
    if not listen:
        return 0
    host, port = parse_address(listen)
    connection = http.client.HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - never bound here
    connection.timeout = _ASK_SECONDS
    try:
        connection.request("GET", "/")
        return int(connection.getresponse().status != 200)
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(ask(os.environ))
