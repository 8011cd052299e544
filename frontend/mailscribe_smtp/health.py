"""A plain HTTP port that says whether this process takes mail: 200, or 503 while it drains. For load balancers.

It creates no session record and touches no store: a store that is down is answered by 451 to each message, and
replacing the container would not bring it back. The container's HEALTHCHECK, `python -m mailscribe_smtp.health`,
asks it.
"""

import asyncio
import http.client
import os
import sys
from collections.abc import Callable, Mapping
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe.settings import load
from mailscribe_smtp.listeners import parse_address
from mailscribe_smtp.server import listen_failure

_REQUEST_BYTES: Final = 8192
_REQUEST_SECONDS: Final = 5.0
_ASK_SECONDS: Final = 3.0
_ANSWERS: Final = {
    200: ("OK", b'{"status":"ok"}'),
    400: ("Bad Request", b'{"status":"bad request"}'),
    405: ("Method Not Allowed", b'{"status":"only GET and HEAD"}'),
    503: ("Service Unavailable", b'{"status":"draining"}'),
}


async def serve_health(host: str, port: int, draining: Callable[[], bool]) -> asyncio.Server:
    """Answer until the server is closed. Raises `ConfigError`."""
    try:
        return await asyncio.start_server(lambda r, w: _answer(r, w, draining), host, port, limit=_REQUEST_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {listen_failure(error)}") from error


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, draining: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(_status(head, draining=draining()), with_body=not head.startswith(b"HEAD ")))
            await writer.drain()
    except asyncio.LimitOverrunError:
        writer.write(_response(400, with_body=True))
    except (OSError, EOFError, TimeoutError):
        return
    finally:
        writer.close()


def _response(status: int, *, with_body: bool) -> bytes:
    reason, body = _ANSWERS[status]
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def _status(head: bytes, *, draining: bool) -> int:
    words = head.partition(b"\r\n")[0].split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return 400
    if words[0] not in (b"GET", b"HEAD"):
        return 405
    return 503 if draining else 200


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
