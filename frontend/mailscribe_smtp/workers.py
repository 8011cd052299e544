"""One front end in several processes that share their ports (SO_REUSEPORT): the parent of these.

A worker that dies is started again, at once and then after growing pauses; nothing that it had acknowledged is lost by
that. Only one that cannot start the first time, for a setting or the bucket, ends all: later the others go on. One
whose parent is gone drains and ends. SIGTERM goes to all of them, and the parent ends when the last has drained, with
the worst of their exit codes; SIGHUP goes to all of them too.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from typing import Final

from mailscribe_smtp.logs import log_event
from mailscribe_smtp.telling import worker_socket

PAUSES: Final = (0.0, 0.5, 2.0, 5.0)
STEADY_SECONDS: Final = 30.0
_CANNOT_START: Final = (2, 3)
"""Exit codes: a setting, the bucket."""
_MARK: Final = "_MAILSCRIBE_WORKER_NUMBER"


def worker_number(environ: Mapping[str, str]) -> int | None:
    """The number of this process among the workers of its parent; None for one that is nobody's."""
    text = environ.get(_MARK)
    return None if text is None else int(text)


def watch_parent(stop: asyncio.Event) -> None:
    """Set `stop` when the parent is gone: it holds the other end of standard input, and never writes."""

    def look() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            stop.set()

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), look)


class Workers:
    """So many processes of this program."""

    def __init__(self, count: int, environ: Mapping[str, str]) -> None:
        self._count = count
        self._environ = dict(environ)
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._worst = 0

    async def run(self) -> int:
        """Until SIGTERM or SIGINT; the exit code."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.refresh)
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._keep(number))
        return self._worst

    @property
    def sockets(self) -> list[str]:
        """Where the workers tell their numbers."""
        return [worker_socket(os.getpid(), number) for number in range(self._count)]

    @property
    def draining(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Have all of them drain; once, for a second signal would kill one that is about to end."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._tell(signal.SIGTERM)

    def refresh(self) -> None:
        """Have all of them look at their files."""
        self._tell(signal.SIGHUP)

    def _tell(self, what: signal.Signals) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(what)

    async def _keep(self, number: int) -> None:
        """One worker, started again whenever it dies; one that cannot start at all ends all."""
        loop, deaths, runs = asyncio.get_running_loop(), 0, 0
        while not self._stopping.is_set():
            begun, runs = loop.time(), runs + 1
            code = await self._run_once(number)
            if self._stopping.is_set() or (runs == 1 and code in _CANNOT_START):
                self._worst = max(self._worst, code if code >= 0 else 1)
                self.stop()
                return
            deaths = 0 if loop.time() - begun > STEADY_SECONDS else deaths + 1
            log_event("worker died", worker=number, code=code)
            await self._pause(PAUSES[min(deaths, len(PAUSES) - 1)])

    async def _run_once(self, number: int) -> int:
        environ = self._environ | {_MARK: str(number)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mailscribe_smtp", env=environ, stdin=asyncio.subprocess.PIPE
        )
        self._processes[number] = process
        if self._stopping.is_set():
            process.terminate()
        return await process.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
