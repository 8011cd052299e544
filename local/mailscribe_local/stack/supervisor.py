"""`mailscribe up`: the whole system on this machine, in the foreground.

The supervisor holds the data folder's lock, makes the API token, starts the core process (worker and HTTP)
and then the SMTP process, prints the ready line, and keeps both alive. SIGTERM and Ctrl-C drain: SMTP first,
so that what it still accepts is journaled, then the core.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final

from mailscribe_local.stack.backend import Backend, open_backend
from mailscribe_local.stack.children import Child, wake_pipe
from mailscribe_local.stack.control import ChildConfig
from mailscribe_local.stack.lock import DataLock
from mailscribe_local.stack.options import Address, Options

DRAIN_MARGIN: Final = 10.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

type Say = Callable[[str], None]
type Ready = Callable[[Address, Address], None]
"""Told once where SMTP and HTTP answer."""


def run(options: Options, environ: dict[str, str], say: Say, ready: Ready) -> int:
    """Run until told to stop; the exit code. Raises `ConfigError` when it cannot start."""
    with _ending_at_once(), DataLock(options.data) as lock, open_backend(options, environ, say) as backend:
        return asyncio.run(_Supervisor(options, backend, lock.fd, say, ready).run())


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    """Until the event loop takes the signals nothing runs that has to be drained: they end this process, with 0."""
    former = {number: signal.signal(number, lambda *_: sys.exit(0)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class _Supervisor:
    def __init__(self, options: Options, backend: Backend, lock_fd: int, say: Say, ready: Ready) -> None:
        self._options = options
        self._backend = backend
        self._lock_fd = lock_fd
        self._say = say
        self._ready = ready
        self._stop = asyncio.Event()

    async def run(self) -> int:
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        with contextlib.closing(_Wake()) as wake:
            core = self._child("core", "mailscribe_local.stack.core_process", self._options.http, wake.reader)
            smtp = self._child("SMTP", "mailscribe_local.stack.smtp_process", self._options.smtp, wake.writer)
            try:
                return await self._serve(core, smtp)
            finally:
                await smtp.stop(self._backend.settings.drain_timeout + DRAIN_MARGIN)
                await core.stop(DRAIN_MARGIN)

    async def _serve(self, core: Child, smtp: Child) -> int:
        started = asyncio.create_task(self._start(core, smtp))
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait((started, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await started
            return 0
        await started
        watchers = [asyncio.create_task(child.watch()) for child in (core, smtp)]
        try:
            await asyncio.wait((stopped, *watchers), return_when=asyncio.FIRST_COMPLETED)
            for watcher in watchers:
                if watcher.done():
                    watcher.result()
        finally:  # before `stop`: none may be starting a child meanwhile
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        if sys.stderr.isatty():
            self._say("stopping: sessions in flight finish first")
        return 0

    async def _start(self, core: Child, smtp: Child) -> None:
        http = await core.start()
        mail = await smtp.start()
        self._ready(mail, http)

    def _child(self, name: str, module: str, listen: Address, wake_fd: int) -> Child:
        config = ChildConfig(
            listen=listen,
            data=str(self._options.data.resolve()),
            backend=self._options.backend,
            control_fd=-1,
            wake_fd=wake_fd,
            settings=self._backend.overrides,
            queue_url=self._backend.queue_url,
        )
        return Child(name, module, config, self._say, lock_fd=self._lock_fd)


class _Wake:
    """The wake pipe, closed with the supervisor."""

    def __init__(self) -> None:
        self.reader, self.writer = wake_pipe()

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)
