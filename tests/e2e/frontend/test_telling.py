"""Workers tell their parent, which never lets a sum fall; CloudWatch is told by the log, at the end too."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from mailscribe_smtp import telling
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.telling import Ledger, serve_snapshots, tell_cloudwatch, worker_socket

SESSIONS = ("mailscribe_sessions_total", ("mx", "quit"))
OPEN = ("mailscribe_sessions_open", ())
PUT = ("mailscribe_put_seconds", ("message",))

numbers = count(9_000)


def metrics_of(sessions: int) -> Metrics:
    metrics = Metrics()
    metrics.count(SESSIONS[0], *SESSIONS[1], by=sessions)
    metrics.took(PUT[0], 0.01, *PUT[1])
    metrics.ask(OPEN[0], lambda: 2)
    return metrics


@pytest.fixture
def addresses() -> list[str]:
    return [worker_socket(os.getpid(), next(numbers)) for _ in range(2)]


@contextlib.asynccontextmanager
async def worker(address: str, metrics: Metrics) -> AsyncIterator[None]:
    server = await serve_snapshots(address, metrics)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def test_the_numbers_of_all_are_added_up(addresses: list[str]) -> None:
    ledger = Ledger()
    async with worker(addresses[0], metrics_of(3)), worker(addresses[1], metrics_of(4)):
        told = await ledger.ask(addresses)
    assert (told.numbers[SESSIONS], told.numbers[OPEN]) == (7, 4)
    assert sum(told.histograms[PUT].counts) == 2


async def test_nobody_has_answered_yet(addresses: list[str]) -> None:
    told = await Ledger().ask(addresses)
    assert (told.numbers, told.histograms) == ({}, {})


async def test_what_a_worker_counted_stays_counted_when_it_is_gone(addresses: list[str]) -> None:
    ledger = Ledger()
    async with worker(addresses[0], metrics_of(3)):
        async with worker(addresses[1], metrics_of(4)):
            await ledger.ask(addresses)
        told = await ledger.ask(addresses)
        assert (told.numbers[SESSIONS], told.numbers[OPEN]) == (7, 2), "counters stay, gauges do not"
        async with worker(addresses[1], metrics_of(1)):
            again = [await ledger.ask(addresses) for _ in range(3)]
        assert {(each.numbers[SESSIONS], each.numbers[OPEN]) for each in again} == {(8, 4)}
        assert {sum(each.histograms[PUT].counts) for each in again} == {3}
        async with worker(addresses[1], metrics_of(1)):
            told = await ledger.ask(addresses)
    assert told.numbers[SESSIONS] == 9


async def test_a_worker_that_is_stuck_holds_nobody_up(addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_TIMEOUT", 0.05)
    silent = asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_unix_server(wait, addresses[1])
    async with worker(addresses[0], metrics_of(3)):
        told = await Ledger().ask(addresses)
    assert told.numbers[SESSIONS] == 3
    silent.set()
    server.close()
    await server.wait_closed()


async def test_nonsense_is_no_answer(addresses: list[str]) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"{}")
        writer.close()

    server = await asyncio.start_unix_server(babble, addresses[0])
    assert (await Ledger().ask(addresses)).numbers == {}
    server.close()
    await server.wait_closed()


class Log:
    """The lines that were logged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines = asyncio.Queue[dict[str, Any]]()
        monkeypatch.setattr(telling, "log_line", self.lines.put_nowait)

    async def sessions(self) -> int:
        """The next number of sessions."""
        while True:
            line = await asyncio.wait_for(self.lines.get(), 10)
            assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "stack"
            if SESSIONS[0] in line:
                return int(line[SESSIONS[0]])


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_cloudwatch_is_told_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SECONDS", 0.001)
    log, metrics = Log(monkeypatch), metrics_of(3)
    task = asyncio.create_task(tell_cloudwatch("stack", metrics))
    assert await log.sessions() == 3
    metrics.count(SESSIONS[0], *SESSIONS[1])
    assert await log.sessions() == 1
    await end(task)


async def test_cloudwatch_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    log, metrics = Log(monkeypatch), metrics_of(3)
    task = asyncio.create_task(tell_cloudwatch("stack", metrics))
    await asyncio.sleep(0)
    assert log.lines.empty()
    await end(task)
    assert await log.sessions() == 3
