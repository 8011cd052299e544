"""The container's front end from its first listener to its drain: one process, or the parent of several."""

import asyncio
import os
import signal
from collections.abc import Mapping
from enum import IntEnum

from mailscribe.errors import ConfigError
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings, load
from mailscribe_smtp.assembly import Assembly
from mailscribe_smtp.bucket_config import BucketConfig
from mailscribe_smtp.health import Source, serve_health
from mailscribe_smtp.listeners import Listener, parse_address, parse_listener
from mailscribe_smtp.logs import log_event, log_session
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.s3_spool import S3Spool
from mailscribe_smtp.server import SmtpServer
from mailscribe_smtp.telling import Ledger, serve_snapshots, tell_cloudwatch, worker_socket
from mailscribe_smtp.workers import Workers, watch_parent, worker_number


class Exit(IntEnum):
    """Exit codes of the container."""

    OK = 0
    CUT_OFF = 1
    CONFIG = 2
    UNREACHABLE = 3


async def serve(environ: Mapping[str, str]) -> Exit:
    """Serve until told to stop, then drain. Raises `ConfigError`, `StoreError`."""
    settings = load(environ)
    listeners = [parse_listener(text) for text in settings.listen]
    if not listeners:
        raise ConfigError("MAILSCRIBE_LISTEN names no listener")
    number = worker_number(environ)
    if settings.workers > 1 and number is None:
        return await _serve_in_workers(settings, listeners, environ)
    return await _Process(settings, listeners, environ, number).run()


class _Process:
    """One process that takes mail."""

    def __init__(
        self, settings: Settings, listeners: list[Listener], environ: Mapping[str, str], number: int | None
    ) -> None:
        self._settings = settings
        self._listeners = listeners
        self._number = number
        self._metrics = Metrics()
        self._assembly = Assembly(settings)
        self._spool = S3Spool.from_settings(settings, environ)
        self._config = BucketConfig(self._assembly.source, self._spool.store)
        self._keeping: list[asyncio.Task[None]] = []
        self._ports: list[asyncio.Server] = []

    async def run(self) -> Exit:
        await self._spool.check()
        await self._config.open()
        server = SmtpServer(
            self._settings,
            self._spool,
            new_id=UlidFactory(),
            on_session=log_session,
            policy=self._assembly.source.policy,
            metrics=self._metrics,
        )
        stop = self._listen_to_signals()
        try:
            await self._open(server)
            await stop.wait()
            log_event("draining", sessions=server.sessions)
        finally:
            complete = await server.drain()
            await self._close()
        counts = server.counts
        log_event("stopped", sessions=counts.sessions, messages=counts.messages, failed=counts.failed)
        return Exit.OK if complete else Exit.CUT_OFF

    def _listen_to_signals(self) -> asyncio.Event:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._assembly.refresh)
        if self._number is not None:
            watch_parent(stop)
        return stop

    async def _open(self, server: SmtpServer) -> None:
        """The listeners, and what goes on beside them."""
        works = [self._assembly.keep_fresh(), self._config.poll()]
        if self._settings.metrics_namespace:
            works.append(tell_cloudwatch(self._settings.metrics_namespace, self._metrics))
        self._keeping = [asyncio.create_task(work) for work in works]
        for listener in self._listeners:
            entrance = self._assembly.entrance(listener)
            address = await server.start(listener.host, listener.port, entrance, shared=self._number is not None)
            log_event("listening", smtp="{}:{}".format(*address), profile=listener.profile)
        if self._number is not None:
            self._ports.append(await serve_snapshots(worker_socket(os.getppid(), self._number), self._metrics))
        elif self._settings.health_listen:
            self._ports.append(await _serve_health(self._settings, Source.of(server, self._metrics)))

    async def _close(self) -> None:
        for work in self._keeping:
            work.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for port in self._ports:
            port.close()
        self._assembly.close()
        await self._spool.close()


async def _serve_in_workers(settings: Settings, listeners: list[Listener], environ: Mapping[str, str]) -> Exit:
    """The parent of several processes, with the health port of all."""
    if not all(listener.port for listener in listeners):
        raise ConfigError("MAILSCRIBE_LISTEN: workers share their ports, so port 0 is none of them")
    workers, ledger = Workers(settings.workers, environ), Ledger()
    source = Source(draining=lambda: workers.draining, snapshot=lambda: ledger.ask(workers.sockets))
    health = await _serve_health(settings, source) if settings.health_listen else None
    try:
        return Exit(await workers.run())
    finally:
        if health is not None:
            health.close()


async def _serve_health(settings: Settings, source: Source) -> asyncio.Server:
    health = await serve_health(*parse_address(settings.health_listen), source)
    log_event("listening", health="{}:{}".format(*health.sockets[0].getsockname()))
    return health
