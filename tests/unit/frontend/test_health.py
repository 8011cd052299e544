"""The health port: 200, 503 while draining, clear answers to anything else, and the check that asks it."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailscribe.errors import ConfigError
from mailscribe_smtp.health import Source, ask, serve_health
from mailscribe_smtp.listeners import parse_address
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.snapshot import Snapshot


class Health:
    """A health port in this process."""

    def __init__(self) -> None:
        self.draining = False
        self.metrics = Metrics()
        self.metrics.ask("mailscribe_sessions_open", lambda: 3)
        self.is_down = False
        self.source = Source(draining=lambda: self.draining, snapshot=self.snapshot)
        self.address = ("127.0.0.1", 0)

    async def snapshot(self) -> Snapshot:
        return Snapshot() if self.is_down else self.metrics.snapshot()

    async def get(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@pytest.fixture
async def health() -> AsyncIterator[Health]:
    made = Health()
    server = await serve_health("127.0.0.1", 0, made.source)
    made.address = server.sockets[0].getsockname()
    yield made
    server.close()
    await server.wait_closed()


REQUESTS = [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b'{"status":"ok","sessions":3}'),
    (b"GET /health HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b'{"status":"ok","sessions":3}'),
    (b"HEAD / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n"),
    (b"GET /nowhere HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 ", b""),
    (b"GET /metrics/x HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 ", b""),
    (b"POST / HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 ", b""),
    (b"EHLO example.org\r\n\r\n", b"HTTP/1.1 400 ", b""),
    (b"\x16\x03\x01\r\n\r\n", b"HTTP/1.1 400 ", b""),
    (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 ", b""),
]


@pytest.mark.parametrize(("request_bytes", "begin", "end"), REQUESTS)
async def test_answers(health: Health, request_bytes: bytes, begin: bytes, end: bytes) -> None:
    answer = await health.get(request_bytes)
    assert answer.startswith(begin)
    assert answer.endswith(end)


async def test_metrics_are_what_prometheus_reads(health: Health) -> None:
    health.metrics.replied("MAIL", 250, 1500)
    answer = await health.get(b"GET /metrics HTTP/1.1\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"text/plain; version=0.0.4" in head
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    [sample] = families["mailscribe_replies"].samples
    assert (sample.labels, sample.value) == ({"verb": "MAIL", "code": "250"}, 1)


async def test_503_while_draining(health: Health) -> None:
    health.draining = True
    answer = await health.get(b"GET / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b'{"status":"draining","sessions":3}')


async def test_503_while_no_worker_answers(health: Health) -> None:
    health.is_down = True
    answer = await health.get(b"GET /health HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b'{"status":"down","sessions":0}')
    assert (await health.get(b"GET /metrics HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_what_may_be_asked_is_said(health: Health) -> None:
    assert b"\r\nAllow: GET, HEAD\r\n" in await health.get(b"DELETE /metrics HTTP/1.1\r\n\r\n")


async def test_a_client_that_says_nothing_and_goes_is_no_error(health: Health) -> None:
    _, writer = await asyncio.open_connection(*health.address)
    writer.close()
    await writer.wait_closed()
    assert (await health.get(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_the_check_follows_the_port(health: Health) -> None:
    environ = {"MAILSCRIBE_HEALTH_LISTEN": f"0.0.0.0:{health.address[1]}"}
    assert await asyncio.to_thread(ask, environ) == 0
    health.draining = True
    assert await asyncio.to_thread(ask, environ) == 1


def test_the_check_fails_where_nobody_answers_and_passes_where_nobody_should() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert ask({"MAILSCRIBE_HEALTH_LISTEN": f"127.0.0.1:{port}"}) == 1
    assert ask({"MAILSCRIBE_HEALTH_LISTEN": ""}) == 0


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:25", ("127.0.0.1", 25)), ("[::]:0", ("::", 0)), ("mx:65535", ("mx", 65535))]
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "25", ":25", "host:", "host:x", "host:65536", "host:-1", "host:\u0662"])
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="not HOST:PORT"):
        parse_address(text)


async def test_a_port_in_use_is_said_in_words(health: Health) -> None:
    with pytest.raises(ConfigError, match="the port is in use"):
        await serve_health(*health.address, health.source)
