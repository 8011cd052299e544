"""The parent of workers: whom it tells what, whom it starts again, and whose exit code is its own."""

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from mailscribe_smtp.workers import Workers
from support.frontend import until


class Process:
    """A worker that drains when it is told to, and dies of a second signal."""

    def __init__(self, code: int, *, ends_at_once: bool = False) -> None:
        self.returncode: int | None = None
        self.told: list[int] = []
        self._code = code
        self._told = asyncio.Event()
        if ends_at_once:
            self._told.set()

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, what: int) -> None:
        self.told.append(what)
        if what == signal.SIGTERM:
            self._told.set()

    async def wait(self) -> int:
        await self._told.wait()
        for _ in range(3 * self._code + 1):  # the one with the worse code takes longer
            await asyncio.sleep(0)
        self.returncode = self._code if self.told.count(signal.SIGTERM) < 2 else -15
        return self.returncode


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that are started; each has its number as its exit code."""
    return starting(monkeypatch, (Process(code) for code in range(9)))


def starting(monkeypatch: pytest.MonkeyPatch, processes: Iterator[Process]) -> list[Process]:
    made: list[Process] = []

    async def start(*_: str, **__: Any) -> Process:
        made.append(next(processes))
        return made[-1]

    monkeypatch.setattr("mailscribe_smtp.workers.asyncio.create_subprocess_exec", start)
    return made


async def test_a_worker_is_told_once_and_the_worst_code_counts(made: list[Process]) -> None:
    workers = Workers(2, {})
    running = asyncio.create_task(workers.run())
    await until(lambda: len(made) == 2)
    workers.stop()
    assert await running == 1
    assert [process.told for process in made] == [[signal.SIGTERM], [signal.SIGTERM]]


async def test_all_of_them_look_at_their_files_again(made: list[Process]) -> None:
    workers = Workers(2, {})
    running = asyncio.create_task(workers.run())
    await until(lambda: len(made) == 2)
    signal.raise_signal(signal.SIGHUP)
    await until(lambda: all(process.told == [signal.SIGHUP] for process in made))
    workers.stop()
    await running


@pytest.mark.parametrize("code", [2, 3])
async def test_a_worker_that_cannot_start_at_all_ends_all(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    made = starting(monkeypatch, iter([Process(0), Process(code, ends_at_once=True)]))
    assert await Workers(2, {}).run() == code
    assert made[0].told == [signal.SIGTERM]


@pytest.mark.parametrize("code", [2, 3])
async def test_one_that_cannot_be_started_again_is_tried_again(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr("mailscribe_smtp.workers.PAUSES", (0.0,))
    ends = [Process(1, ends_at_once=True), Process(code, ends_at_once=True), Process(code, ends_at_once=True)]
    made = starting(monkeypatch, iter([*ends, Process(0)]))
    workers = Workers(1, {})
    running = asyncio.create_task(workers.run())
    await until(lambda: len(made) == 4)
    assert not running.done()
    workers.stop()
    assert await running == 0
