"""A running server counts what it does, whatever becomes of it; and its log line holds no address and no secret."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.smtp import Service
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.hub import SessionEnded, Timing
from mailscribe_smtp.logs import log_session
from mailscribe_smtp.metrics import Metrics
from support.frontend import LOCAL, QUICK, Running, running, until
from support.spools import FaultySpool, MemorySpool

CONTENT = b"Subject: hush-hush\r\n\r\nhush-hush\r\n"


class OneUser:
    """Knows mable."""

    async def verify(self, user: str, secret: bytes) -> bool:
        return (user, secret) == ("mable", b"open sesame")


async def fail(key: str) -> None:
    raise StoreUnavailable(key)


def number(metrics: Metrics, name: str, *labels: str) -> float:
    return metrics.snapshot().numbers.get((f"mailscribe_{name}", labels), 0)


def times(metrics: Metrics, name: str, *labels: str) -> int:
    histogram = metrics.snapshot().histograms.get((f"mailscribe_{name}", labels))
    return sum(histogram.counts) if histogram else 0


async def end(server: Running) -> SessionEnded:
    return await asyncio.wait_for(server.ended.get(), 10)


async def test_a_session_with_mail() -> None:
    async with running(MemorySpool()) as server:
        client, metrics = await server.greeted(), server.metrics
        assert number(metrics, "sessions_open") == 1
        await client.deliver(CONTENT)
        await client.quit()
        ended = await end(server)
        await until(lambda: number(metrics, "sessions_open") == 0)
    sent = b"EHLO client.example\r\nMAIL FROM:<me@example.org>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n.\r\nQUIT\r\n"
    assert number(metrics, "received_bytes_total") == ended.received == len(sent + CONTENT)
    assert number(metrics, "sessions_total", "smtp", "quit") == 1
    assert number(metrics, "session_outcomes_total", "delivered") == 1
    assert number(metrics, "messages_total", "accepted") == 1
    assert number(metrics, "inflight_bytes") == 0
    assert number(metrics, "draining") == 1
    for kind in ("message", "transcript"):
        assert times(metrics, "put_seconds", kind) == 1
        assert number(metrics, "put_failures_total", kind) == 0
    asked = [("none", "220"), ("EHLO", "250"), ("MAIL", "250"), ("RCPT", "250"), ("DATA", "354"), ("EOD", "250")]
    for verb, code in asked:
        assert number(metrics, "replies_total", verb, code) == 1
    assert times(metrics, "reply_seconds", "EOD") == 1


async def test_what_could_not_be_stored() -> None:
    async with running(FaultySpool(MemorySpool(), before=fail, closing=fail)) as server:
        client, metrics = await server.greeted(), server.metrics
        assert (await client.deliver(CONTENT)).startswith(b"451")
        await client.quit()
        ended = await end(server)
    assert (ended.failed, ended.stored) == (1, False)
    tries = len(QUICK.retries) + 1
    assert number(metrics, "messages_total", "failed") == number(metrics, "put_failures_total", "message") == 1
    assert number(metrics, "put_failures_total", "transcript") == times(metrics, "put_seconds", "transcript") == tries
    assert number(metrics, "lost_transcripts_total") == 1
    assert number(metrics, "messages_total", "accepted") == 0


async def test_content_without_room_in_memory_failed_too() -> None:
    async with running(MemorySpool(), replace(LOCAL, max_inflight_bytes=5_000)) as server:
        client = await server.greeted()
        assert (await client.deliver(b"x" * 70 + b"\r\n" + CONTENT * 1000)).startswith(b"452")
    assert number(server.metrics, "messages_total", "failed") == 1
    assert times(server.metrics, "put_seconds", "message") == 0


async def test_refused_content_that_is_kept_is_a_put_of_its_own() -> None:
    entrance = Entrance(service=Service(keep_refused=True))
    async with running(MemorySpool(), replace(LOCAL, line_ends="reject"), entrance=entrance) as server:
        client = await server.greeted()
        assert (await client.deliver(b"a\nb\r\n")).startswith(b"550")
    assert number(server.metrics, "messages_total", "refused") == 1
    assert times(server.metrics, "put_seconds", "refused") == 1
    assert times(server.metrics, "put_seconds", "message") == 0
    assert number(server.metrics, "findings_total", "bare-lf") == 1


async def test_sessions_over_the_cap_and_past_the_quota() -> None:
    async with running(MemorySpool(), replace(LOCAL, max_sessions=1, mailless_per_minute=1)) as server:
        first = await server.greeted()
        second = await server.connect()
        assert (await second.reply()).startswith(b"421")
        await end(server)
        await first.quit()
        await end(server)
    assert number(server.metrics, "sessions_refused_total") == 1
    assert number(server.metrics, "sessions_suppressed_total") == 1
    assert number(server.metrics, "sessions_total", "smtp", "policy") == 1


async def test_a_session_that_was_broken_by_us(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(MemorySpool(), timing=Timing(linger=0.1, flush=1.0, retries=())) as server:
        client = await server.greeted()
        with monkeypatch.context() as patch:
            patch.setattr("mailscribe.smtp.Session.receive", lambda *_: 1 // 0)
            await client.send(b"NOOP\r\n")
            await end(server)
    assert number(server.metrics, "sessions_total", "smtp", "broken") == 1


async def test_the_log_line_is_of_the_session_and_of_nothing_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    entrance = Entrance(service=Service(name="open", auth=True, auth_in_clear=True), verifier=OneUser())
    async with running(MemorySpool(), entrance=entrance) as server:
        client = await server.greeted()
        for secret, code in ((b"guess", 535), (b"open sesame", 235)):
            assert await client.code(b"AUTH PLAIN " + base64.b64encode(b"\0mable\0" + secret)) == code
        await client.deliver(CONTENT)
        await client.quit()
        log_session(await end(server))
    text = capsys.readouterr().out
    line = json.loads(text)
    assert (line["event"], line["listener"], line["helo"], line["user"]) == (
        "session",
        "open",
        "client.example",
        "mable",
    )
    assert (line["end"], line["messages"], line["failed"], line["stored"]) == ("quit", 1, 0, True)
    assert line["outcome"] == ["auth-failed", "delivered"]
    assert line["turns"] == 9
    assert "auth-in-clear" in line["findings"]
    secrets = [base64.b64encode(b"\0mable\0" + secret).decode() for secret in (b"guess", b"open sesame")]
    for kept_out in ("example.org", "hush", "guess", "sesame", *secrets):
        assert kept_out not in text
    assert number(server.metrics, "auth_total", "accepted") == number(server.metrics, "auth_total", "rejected") == 1
