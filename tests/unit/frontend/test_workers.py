"""The parent of workers: each is told to drain once, and the worst exit code is the parent's."""

import asyncio
from typing import Any

import pytest

from mailscribe_smtp.workers import Workers
from support.frontend import until


class Process:
    """A worker that drains when it is told to, and dies of a second signal."""

    def __init__(self, code: int) -> None:
        self.returncode: int | None = None
        self.told = 0
        self._code = code
        self._told = asyncio.Event()

    def terminate(self) -> None:
        self.told += 1
        self._told.set()

    async def wait(self) -> int:
        await self._told.wait()
        for _ in range(3 * self._code + 1):  # the one with the worse code takes longer
            await asyncio.sleep(0)
        self.returncode = self._code if self.told == 1 else -15
        return self.returncode


async def test_a_worker_is_told_once_and_the_worst_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Process] = []

    async def start(*_: str, **__: Any) -> Process:
        made.append(Process(len(made)))
        return made[-1]

    monkeypatch.setattr("mailscribe_smtp.workers.asyncio.create_subprocess_exec", start)
    workers = Workers(2, {})
    running = asyncio.create_task(workers.run())
    await until(lambda: len(made) == 2)
    workers.stop()
    assert await running == 1
    assert [process.told for process in made] == [1, 1]
