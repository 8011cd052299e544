"""The HTTP host: requests to events and back over real sockets, waits held and woken, streams, refusals, stopping."""

import asyncio
import base64
import contextlib
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import uvloop

from mailscribe.errors import ConfigError, StoreUnavailable
from mailscribe.service.api import Held, Payload, Stream
from mailscribe.service.waits import Wake
from mailscribe_local.http import MAX_BODY, HttpHost, Starter
from support.api import ApiWorld
from support.conversation import plain_message

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def problem(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        return str(json.loads(self.body)["type"]).rpartition("-")[2]


class Answers:
    """An API that gives what the test says, and remembers the events."""

    def __init__(self, answer: Callable[[Payload], Payload]) -> None:
        self.events: list[Payload] = []
        self._answer = answer

    def start(self, event: Payload) -> Payload:
        self.events.append(event)
        return self._answer(event)


@dataclass
class Gate:
    """A held wait that the test decides."""

    seconds: float = 30
    is_open: bool = False
    polls: int = 0
    polled: threading.Event = field(default_factory=threading.Event)

    def poll(self) -> bool:
        self.polls += 1
        self.polled.set()
        return self.is_open

    def held(self, answer: Payload | None = None) -> Payload:
        return payload(Held(self.seconds, self.poll, lambda: answer or payload("found")))


def payload(body: object = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Payload:
    return {"statusCode": status, "headers": dict(headers or {}), "body": body, "isBase64Encoded": False, "cookies": []}


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    fields = {"Host": "mail.test", "Connection": "close"} | dict(headers or {})
    if body:
        fields |= {"Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def parse(data: bytes) -> Reply:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Reply(int(first.split()[1]), headers, body)


async def exchange(address: tuple[str, int], data: bytes) -> Reply:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return parse(received)


@contextlib.asynccontextmanager
async def serving(api: Starter, wake: Wake | None = None) -> AsyncIterator[tuple[str, int]]:
    host = HttpHost(api, wake or Wake())
    address = await host.start(LOOPBACK, 0)
    try:
        yield address
    finally:
        await host.stop()


async def test_a_request_becomes_an_event_as_a_gateway_sends_it() -> None:
    api = Answers(lambda _: payload("done"))
    async with serving(api) as address:
        headers = {"X-One": "a", "x-one": "b", "User-Agent": "test/1", "Cookie": "a=1; b=2"}
        data = request("GET", "/v1/a%20b/%E2%82%AC?q=a%2Bb+c&x", headers).replace(
            b"x-one: b", b"x-one: b\r\nx-ONE: \xe9"
        )
        assert (await exchange(address, data)).body == b"done"
    [event] = api.events
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/v1/a b/€"
    assert event["rawQueryString"] == "q=a%2Bb+c&x"
    assert event["headers"]["x-one"] == "a,b,é"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2"]
    context = event["requestContext"]
    assert context["stage"] == "$default"
    assert context["http"] == {
        "method": "GET",
        "path": "/v1/a b/€",
        "protocol": "HTTP/1.1",
        "sourceIp": LOOPBACK,
        "userAgent": "test/1",
    }


async def test_a_body_is_handed_over_whole() -> None:
    api = Answers(lambda _: payload())
    async with serving(api) as address:
        await exchange(address, request("POST", "/", body=b"\x00\xff"))
    assert base64.b64decode(api.events[0]["body"]) == b"\x00\xff"
    assert api.events[0]["isBase64Encoded"] is True


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
async def test_a_body_has_a_limit(size: int, status: int) -> None:
    api = Answers(lambda _: payload("x"))
    async with serving(api) as address:
        reply = await exchange(address, request("POST", "/", body=b"x" * size))
    assert reply.status == status
    assert len(api.events) == (1 if status == 200 else 0)


async def test_an_answer_s_fields_cookies_and_bytes_arrive() -> None:
    answer = {
        "statusCode": 201,
        "headers": {"Content-Type": "x/y", "X-A": "é"},
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
        "cookies": ["a=1; HttpOnly", "b=2"],
    }
    async with serving(Answers(lambda _: answer)) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(request("GET", "/"))
        received = await reader.read()
        writer.close()
    reply = parse(received)
    assert (reply.status, reply.body) == (201, b"\x00\xff")
    assert (reply.headers["content-type"], reply.headers["x-a"]) == ("x/y", "é")
    assert reply.headers["content-length"] == "2"
    assert b"set-cookie: a=1; HttpOnly\r\nset-cookie: b=2\r\n" in received
    assert "server" not in reply.headers


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_content_has_no_length(status: int) -> None:
    async with serving(Answers(lambda _: payload(status=status))) as address:
        reply = await exchange(address, request("GET", "/"))
    assert (reply.status, reply.body) == (status, b"")
    assert "content-length" not in reply.headers
    assert "transfer-encoding" not in reply.headers


async def test_a_stream_arrives_whole_and_with_its_length() -> None:
    chunks = [bytes([number]) * 100_000 for number in range(20)]
    stream = Stream(2_000_000, lambda: iter(chunks))
    async with serving(Answers(lambda _: payload(stream))) as address:
        reply = await exchange(address, request("GET", "/"))
    assert reply.headers["content-length"] == "2000000"
    assert reply.body == b"".join(chunks)


async def test_a_stream_that_breaks_ends_the_connection_short(caplog: pytest.LogCaptureFixture) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 10
        raise OSError

    async with serving(Answers(lambda _: payload(Stream(100, chunks)))) as address:
        reply = await exchange(address, request("GET", "/"))
    assert reply.headers["content-length"] == "100"
    assert len(reply.body) < 100


async def test_a_connection_serves_several_requests() -> None:
    async with serving(Answers(lambda event: payload(event["rawPath"]))) as address:
        reader, writer = await asyncio.open_connection(*address)
        for path in ("/a", "/b", "/c"):
            writer.write(request("GET", path, {"Connection": "keep-alive"}))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: 2\r\n" in head
            assert await reader.readexactly(2) == path.encode()
        writer.close()


async def test_an_api_that_fails_is_a_problem_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Payload) -> Payload:
        raise RuntimeError("a secret")

    async with serving(Answers(fail)) as address:
        reply = await exchange(address, request("GET", "/x"))
    assert (reply.status, reply.problem()) == (500, "unexpected")
    assert b"secret" not in reply.body
    assert "a secret" in caplog.text


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_no_request_is_refused(data: bytes) -> None:
    api = Answers(lambda _: payload())
    async with serving(api) as address:
        reply = await exchange(address, data)
    assert reply.status == 400
    assert api.events == []


async def test_a_held_wait_is_answered_when_it_is_woken() -> None:
    gate, wake = Gate(), Wake()
    async with serving(Answers(lambda _: gate.held()), wake) as address:
        asking = asyncio.create_task(exchange(address, request("GET", "/wait")))
        await asyncio.to_thread(gate.polled.wait)
        gate.is_open = True
        wake.ring()
        assert (await asking).body == b"found"


async def test_any_number_of_waits_is_held_while_other_requests_are_answered() -> None:
    gates, wake = [Gate() for _ in range(200)], Wake()
    waiting = iter(gates)
    api = Answers(lambda event: next(waiting).held() if event["rawPath"] == "/wait" else payload("quick"))
    async with serving(api, wake) as address:
        asking = [asyncio.create_task(exchange(address, request("GET", "/wait"))) for _ in gates]
        for gate in gates:
            await asyncio.to_thread(gate.polled.wait)
        assert (await exchange(address, request("GET", "/other"))).body == b"quick"
        for gate in gates:
            gate.is_open = True
        wake.ring()
        assert {reply.body for reply in await asyncio.gather(*asking)} == {b"found"}
    assert wake.waiters == 0


async def test_a_held_wait_is_over_in_time() -> None:
    gate = Gate(seconds=0.01)
    async with serving(Answers(lambda _: gate.held(payload(status=204)))) as address:
        assert (await exchange(address, request("GET", "/wait"))).status == 204
    assert gate.polls >= 2


async def test_a_wait_whose_poll_fails_is_answered_by_what_finishes_it() -> None:
    def poll() -> bool:
        raise OSError

    held = Held(30, poll, lambda: payload("it says what is wrong", 503))
    async with serving(Answers(lambda _: payload(held))) as address:
        assert (await exchange(address, request("GET", "/wait"))).status == 503


async def test_a_wait_outlasts_a_store_that_is_down_for_a_moment() -> None:
    faults, wake, polled = [StoreUnavailable("down")], Wake(), threading.Event()

    def poll() -> bool:
        polled.set()
        if faults:
            raise faults.pop()
        return True

    held = Held(30, poll, lambda: payload("found"))
    async with serving(Answers(lambda _: payload(held)), wake) as address:
        asking = asyncio.create_task(exchange(address, request("GET", "/wait")))
        await asyncio.to_thread(polled.wait)
        wake.ring()
        assert (await asking).body == b"found"


async def test_a_wait_ends_when_its_client_is_gone() -> None:
    gate, wake = Gate(), Wake()
    api = Answers(lambda event: gate.held() if event["rawPath"] == "/wait" else payload("quick"))
    async with serving(api, wake) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(request("GET", "/wait"))
        await asyncio.to_thread(gate.polled.wait)
        assert wake.waiters == 1
        writer.close()
        await writer.wait_closed()
        while wake.waiters:
            await exchange(address, request("GET", "/other"))


async def test_stopping_ends_held_waits_and_lets_requests_be_answered() -> None:
    gate, wake, entered, leave = Gate(), Wake(), threading.Event(), threading.Event()

    def answer(event: Payload) -> Payload:
        if event["rawPath"] == "/wait":
            return gate.held()
        entered.set()
        leave.wait()
        return payload("slow")

    host = HttpHost(Answers(answer), wake)
    address = await host.start(LOOPBACK, 0)
    waiting = asyncio.create_task(exchange(address, request("GET", "/wait")))
    slow = asyncio.create_task(exchange(address, request("GET", "/slow")))
    await asyncio.to_thread(gate.polled.wait)
    await asyncio.to_thread(entered.wait)
    stopping = asyncio.create_task(host.stop())
    reply = await waiting
    assert (reply.status, reply.problem(), reply.headers["retry-after"]) == (503, "stopping", "5")
    leave.set()
    assert (await slow).body == b"slow"
    await stopping
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_port_that_is_taken_is_said() -> None:
    async with serving(Answers(lambda _: payload())) as (host, port):
        with pytest.raises(ConfigError, match=rf"HTTP address {host}:{port}: Address already in use"):
            await HttpHost(Answers(lambda _: payload()), Wake()).start(host, port)


@pytest.mark.parametrize("host", ["256.0.0.1", "no such host", "192.0.2.1"])
async def test_an_address_that_cannot_be_had_is_said(host: str) -> None:
    with pytest.raises(ConfigError, match=f"HTTP address {host}:0: "):
        await HttpHost(Answers(lambda _: payload()), Wake()).start(host, 0)


async def test_a_port_is_free_again_after_stopping() -> None:
    async with serving(Answers(lambda _: payload())) as (host, port):
        await exchange((host, port), request("GET", "/"))
    again = HttpHost(Answers(lambda _: payload("again")), Wake())
    assert await again.start(host, port) == (host, port)
    assert (await exchange((host, port), request("GET", "/"))).body == b"again"
    await again.stop()


async def test_a_host_that_never_started_can_be_stopped() -> None:
    await HttpHost(Answers(lambda _: payload()), Wake()).stop()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_ipv6_is_an_address_too() -> None:
    host = HttpHost(Answers(lambda event: payload(event["requestContext"]["http"]["sourceIp"])), Wake())
    try:
        address = await host.start("::1", 0)
    except ConfigError:
        await host.stop()
        pytest.skip("no IPv6 loopback here")
    assert (await exchange(address, request("GET", "/"))).body == b"::1"
    await host.stop()


async def test_nothing_is_logged_of_requests(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(Answers(lambda _: payload())) as address:
        await exchange(address, request("GET", "/a-path?a-query"))
    assert "a-path" not in caplog.text


def test_the_real_api_over_uvloop_from_mail_to_answer() -> None:
    async def run() -> None:
        world, wake = ApiWorld(), Wake()
        token = {"Authorization": "Bearer reader"}
        host = HttpHost(world.api, wake)
        address = await host.start(LOOPBACK, 0)
        assert (await exchange(address, request("GET", "/v1/messages"))).status == 401
        assert (await exchange(address, request("GET", "/v1/health", {"Host": "evil"}))).status == 421
        waiting = [
            asyncio.create_task(exchange(address, request("GET", "/v1/messages/wait?q=subject:hello", token)))
            for _ in range(20)
        ]
        while wake.waiters < len(waiting):
            await exchange(address, request("GET", "/v1/health"))
        content = plain_message(body="x" * 70 + "\r\n" * 700_000)
        ulid = (await asyncio.to_thread(world.deliver, content)).messages[0]
        wake.ring()
        for reply in await asyncio.gather(*waiting):
            assert [message["id"] for message in json.loads(reply.body)["messages"]] == [ulid]
        raw = await exchange(address, request("GET", f"/v1/messages/{ulid}/raw", token))
        assert raw.body == content
        head = await exchange(address, request("HEAD", f"/v1/messages/{ulid}/raw", token))
        assert (head.body, head.headers["content-length"]) == (b"", str(len(content)))
        etag = {"If-None-Match": raw.headers["etag"]}
        assert (await exchange(address, request("GET", f"/v1/messages/{ulid}/raw", token | etag))).status == 304
        await host.stop()

    uvloop.run(run())
