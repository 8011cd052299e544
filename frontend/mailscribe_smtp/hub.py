"""What the sessions of one server share: settings, spool, caps, the byte budget, tasks and counts.

Caps and budget decide; they never reply: the SMTP machine has the words. Everything here belongs to one event loop.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from msgspec import Struct

from mailscribe.policy import Directory, Policy
from mailscribe.settings import Settings
from mailscribe.smtp import Refusal
from mailscribe.smtp.timer import least_wait
from mailscribe_smtp.alarms import Alarms
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.ports import ObjectWriter, Spool
from mailscribe_smtp.quota import Quota

READ_BYTES: Final = 262_144
"""Size of the one read buffer: every read is taken out of it before the next begins."""

SPARE_SESSIONS: Final = 100
"""Refusals at a time beyond `max_sessions`; a connection beyond these is dropped without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The time of day, and one that never steps back."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic_ns: Callable[[], int] = time.monotonic_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that are no settings: they bound our own work, not the client's."""

    linger: float = 2.0
    """How long a client may take to close after our last reply; a reset would take that reply from it."""
    handshake: float = 30.0
    """From our word to go to the end of the handshake; a client that only holds the line costs no more."""
    flush: float = 10.0
    """How long transcripts may take at the end of a drain."""
    retries: tuple[float, ...] = (1.0, 5.0, 25.0)
    """Pauses before a transcript that could not be stored is tried again."""


class SessionEnded(Struct, frozen=True, kw_only=True):
    """One session, for the operator's log: no addresses of mail, no content, no secret."""

    id: str
    ip: str
    port: int
    listener: str
    seconds: float
    end: str | None
    outcome: tuple[str, ...]
    messages: int
    failed: int
    stored: bool
    """Whether the transcript was stored."""
    helo: str | None = None
    tls: str | None = None
    """The version."""
    user: str | None = None
    """Who has authenticated."""
    turns: int = 0
    received: int = 0
    """Octets."""
    findings: tuple[str, ...] = ()
    kept: int = 0
    """Refused contents that were kept."""


@dataclass(slots=True)
class Counts:
    """What a server has done since its start."""

    sessions: int = 0
    refused: int = 0
    dropped: int = 0
    """Connections closed without a word."""
    messages: int = 0
    failed: int = 0
    lost_transcripts: int = 0
    received: int = 0
    """Octets."""
    suppressed: int = 0
    """Sessions without mail that were counted and not stored."""


class Ending(Protocol):
    """A connection, as far as its end is concerned."""

    def shutdown(self) -> None:
        """Say 421 and close: at once, or after the message in flight."""
        ...

    def kill(self) -> None:
        """End now, without a reply."""
        ...


class Budget:
    """Bytes of content that all sessions hold in memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[ObjectWriter, int] = {}
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes held now."""
        self._recount()
        return self._total

    def has_room(self) -> bool:
        """Whether a new message may begin."""
        if self._total >= self._limit:
            self._recount()
        return self._total < self._limit

    def update(self, writer: ObjectWriter) -> bool:
        """Take note of what `writer` holds now; False when that is too much for all together."""
        held = writer.held
        self._total += held - self._held.get(writer, 0)
        self._held[writer] = held
        if self._total > self._limit:
            self._recount()
        return self._total <= self._limit

    def release(self, writer: ObjectWriter) -> None:
        """The writer holds nothing any more."""
        self._total -= self._held.pop(writer, 0)

    def _recount(self) -> None:
        # what a writer holds falls by itself while it uploads
        self._held = {writer: writer.held for writer in self._held}
        self._total = sum(self._held.values())


class Hub:
    """Shared state of a server's sessions."""

    def __init__(  # noqa: PLR0913 - all that a server is made of
        self,
        settings: Settings,
        spool: Spool,
        *,
        new_id: Callable[[], str],
        clocks: Clocks,
        on_session: Callable[[SessionEnded], None],
        timing: Timing,
        policy: Policy | None = None,
        metrics: Metrics | None = None,
        before_session: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.policy = policy or Policy(Directory.of_domains(settings.domains))
        self.metrics = metrics or Metrics()
        self.before_session = before_session
        self.spool = spool
        self.new_id = new_id
        self.clock = clocks.now
        self.monotonic_ns = clocks.monotonic_ns
        self.on_session = on_session
        self.timing = timing
        self.loop = asyncio.get_running_loop()
        self.alarms = Alarms(self.loop)
        self.least_wait = least_wait(settings)
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.budget = Budget(settings.max_inflight_bytes)
        self.counts = Counts()
        self.quota = Quota(settings.mailless_per_minute)
        self.look_at_quota: asyncio.TimerHandle | None = None
        self.draining = asyncio.Event()
        self.connections: set[Ending] = set()
        self._per_ip: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tell(self.metrics)

    def _tell(self, metrics: Metrics) -> None:
        """What is known here without counting it again."""
        counts = self.counts
        metrics.ask("mailscribe_sessions_open", lambda: len(self.connections))
        metrics.ask("mailscribe_inflight_bytes", lambda: self.budget.total)
        metrics.ask("mailscribe_draining", self.draining.is_set)
        metrics.ask("mailscribe_sessions_refused_total", lambda: counts.refused)
        metrics.ask("mailscribe_sessions_dropped_total", lambda: counts.dropped)
        metrics.ask("mailscribe_sessions_suppressed_total", lambda: counts.suppressed)
        metrics.ask("mailscribe_lost_transcripts_total", lambda: counts.lost_transcripts)
        metrics.ask("mailscribe_received_bytes_total", lambda: counts.received)

    def is_full(self) -> bool:
        """Whether not even a refusal can be afforded."""
        full = len(self.connections) >= self.settings.max_sessions + SPARE_SESSIONS
        self.counts.dropped += full
        return full

    def begin(self, connection: Ending, ip: str) -> Refusal | None:
        """Count a connection in, and say whether it is one too many."""
        self.connections.add(connection)
        self._per_ip[ip] += 1
        self._idle.clear()
        self.counts.sessions += 1
        if (
            len(self.connections) <= self.settings.max_sessions
            and self._per_ip[ip] <= self.settings.max_sessions_per_ip
        ):
            return None
        self.counts.refused += 1
        return Refusal.TOO_MANY

    def end(self, connection: Ending, ip: str) -> None:
        """Count a connection out."""
        self.connections.discard(connection)
        self._per_ip[ip] -= 1
        if self._per_ip[ip] <= 0:
            del self._per_ip[ip]
        self._settle()

    def spawn[T](
        self,
        work: Coroutine[Any, Any, T],
        *,
        at_once: bool = False,
        then: Callable[[asyncio.Task[T]], None] | None = None,
    ) -> asyncio.Task[T]:
        """Run a task that the drain waits for, and `then`, which is not called if it is done when this returns.

        `at_once`: up to its first wait before this returns.
        """
        task = asyncio.Task(work, loop=self.loop, eager_start=True) if at_once else self.loop.create_task(work)
        if not task.done():
            self._tasks.add(task)
            self._idle.clear()
            if then is not None:
                task.add_done_callback(then)
            task.add_done_callback(self._done)
        return task

    async def idle(self) -> None:
        """Return when there is neither a connection nor a task."""
        await self._idle.wait()

    def cancel_tasks(self) -> int:
        """Give up what is still going on; the number of tasks."""
        for task in self._tasks:
            task.cancel()
        return len(self._tasks)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._settle()

    def _settle(self) -> None:
        if not self.connections and not self._tasks:
            self._idle.set()


def tell_put(hub: Hub, kind: str, begun: float, *, failed: bool) -> None:
    """Count a try to make something durable that began then."""
    hub.metrics.took("mailscribe_put_seconds", hub.loop.time() - begun, kind)
    if failed:
        hub.metrics.count("mailscribe_put_failures_total", kind)
