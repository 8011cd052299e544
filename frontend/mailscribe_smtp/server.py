"""The SMTP server: listeners that hand connections to `Connection`, and a drain that loses nothing.

A drain stops accepting, sends 421 to idle sessions, lets messages in flight finish within `drain_timeout`, then
ends what is left and flushes the transcripts.
"""

import asyncio
import errno
import logging
import os
import resource
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from mailscribe.errors import ConfigError
from mailscribe.policy import Policy
from mailscribe.settings import Settings
from mailscribe_smtp.connection import Connection
from mailscribe_smtp.ending import write_suppressed
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.hub import Clocks, Counts, Hub, SessionEnded, Timing
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.ports import Spool

BACKLOG: Final = 1024
_PLAIN: Final = Entrance()

_REASONS: Final = {
    errno.EADDRINUSE: "the port is in use",
    errno.EACCES: "not allowed to use this port",
    errno.EADDRNOTAVAIL: "no such address on this machine",
}

_logger = logging.getLogger(__name__)


def _ignore(ended: SessionEnded) -> None:
    """Nobody wants to know."""


class SmtpServer:
    """Made inside a running event loop, and used by it alone."""

    def __init__(  # noqa: PLR0913 - all that a server is made of
        self,
        settings: Settings,
        spool: Spool,
        *,
        new_id: Callable[[], str],
        clocks: Clocks | None = None,
        on_session: Callable[[SessionEnded], None] = _ignore,
        timing: Timing | None = None,
        policy: Policy | None = None,
        metrics: Metrics | None = None,
        before_session: Callable[[], None] = lambda: None,
    ) -> None:
        self._hub = Hub(
            settings,
            spool,
            new_id=new_id,
            clocks=clocks or Clocks(),
            on_session=on_session,
            timing=timing or Timing(),
            policy=policy,
            metrics=metrics,
            before_session=before_session,
        )
        self._servers: list[asyncio.AbstractServer] = []

    @property
    def counts(self) -> Counts:
        """What was done since the start."""
        return self._hub.counts

    @property
    def sessions(self) -> int:
        """Connections that are open now."""
        return len(self._hub.connections)

    @property
    def draining(self) -> bool:
        """Whether a drain has begun."""
        return self._hub.draining.is_set()

    async def start(
        self, host: str, port: int, entrance: Entrance = _PLAIN, *, shared: bool = False
    ) -> tuple[str, int]:
        """Listen, `shared` with other processes; the address in use (port 0: a free one). Raises `ConfigError`."""
        try:
            server = await self._hub.loop.create_server(
                lambda: Connection(self._hub, entrance), host, port, backlog=BACKLOG, reuse_port=shared or None
            )
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port}: {listen_failure(error)}") from error
        self._servers.append(server)
        address = server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def drain(self) -> bool:
        """Stop; True when every session came to its own end in time. Idempotent."""
        hub = self._hub
        hub.draining.set()
        try:
            return await self._end_all(hub)
        finally:
            hub.alarms.stop()

    async def _end_all(self, hub: Hub) -> bool:
        for server in self._servers:
            server.close()
        self._servers.clear()
        for connection in list(hub.connections):
            connection.shutdown()
        if await _within(hub.settings.drain_timeout, hub.idle()):
            return await _within(hub.timing.flush, write_suppressed(hub, hub.quota.all()))
        _logger.warning("%d sessions are ended without a reply", len(hub.connections))
        for connection in list(hub.connections):
            connection.kill()
        if not await _within(hub.timing.flush, hub.idle()):
            _logger.error("%d transcripts or messages were not stored in time", hub.cancel_tasks())
        await _within(hub.timing.flush, write_suppressed(hub, hub.quota.all()))
        return False


def raise_descriptor_limit() -> None:
    """Let this process open as many descriptors as the system allows it: a session takes one, or two with files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def listen_failure(error: OSError) -> str:
    """Why a port cannot be listened on, in words."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return "no such host"
    return _REASONS.get(error.errno) or os.strerror(error.errno)


async def _within(seconds: float, waiting: Coroutine[Any, Any, None]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True
