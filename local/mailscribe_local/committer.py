"""One thread makes objects durable for all sessions: whatever waits when it looks is one group, one journal fsync.

The event loop never waits for a disk: jobs go in by a queue, results come back by `call_soon_threadsafe`.
Jobs are done in order, so what is submitted after a publication finds it finished. Only what may wait, because nobody
is told when it is stored, is overtaken: it is published `LINGER` after the first of its kind came, all in one group.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from mailscribe.errors import StoreError, StoreUnavailable
from mailscribe_local.publisher import Publication, Publisher

GROUP: Final = 256
"""Most jobs of one group."""

LINGER: Final = 0.05
"""Seconds that what may wait waits for more of its kind."""

LATER_GROUP: Final = 64
"""Most jobs of a group of what may wait: a message that comes meanwhile waits for it."""

CLOSE_SECONDS: Final = 10.0
"""How long the end waits for a disk that hangs."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """A publication, or something else to do in the thread; `done` is resolved in the loop that made the job."""

    work: Publication | Callable[[], None]
    may_wait: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()


class Committer:
    """The thread. `notify` is called in it after each group that published something."""

    def __init__(self, publisher: Publisher, *, notify: Callable[[], None]) -> None:
        self._publisher = publisher
        self._notify = notify
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._later: list[Job] = []
        self._due = 0.0
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread works."""
        return self._thread.is_alive()

    async def publish(self, publication: Publication, *, may_wait: bool = False) -> None:
        """Return when it is durable, visible and journaled. Raises `StoreError`."""
        await self._submit(Job(publication, may_wait))

    async def run(self, work: Callable[[], None]) -> None:
        """Return when `work` was done in the thread, after all that was submitted before. Raises `StoreError`."""
        await self._submit(Job(work))

    async def close(self) -> None:
        """Finish what was submitted and end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
        if self.alive:
            _logger.error("the disk does not answer; what waits for it is not stored")

    async def _submit(self, job: Job) -> None:
        if not self.alive:
            raise StoreUnavailable("the committer thread has ended")
        self._jobs.put(job)
        await job.done

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._group()
            try:
                self._do(group)
            except Exception as error:
                _logger.exception("a group of %d objects failed", len(group))
                _resolve((job, StoreUnavailable(f"committer: {error!r}")) for job in group)
        self._publisher.close()

    def _group(self) -> tuple[list[Job], bool]:
        """Wait for jobs and take all there are, those that may wait when it is their time; False with the last."""
        group: list[Job] = []
        if self._later and time.monotonic() >= self._due:
            return self._take_later(), True
        try:
            while len(group) < GROUP and len(self._later) < LATER_GROUP:
                job = self._next(block=not group)
                if job is None:
                    return group + self._take_later(), False
                if job.may_wait:
                    self._put_off(job)
                else:
                    group.append(job)
        except queue.Empty:
            pass
        return group or self._take_later(), True

    def _next(self, *, block: bool) -> Job | None:
        """The next job, None for the order to end. Raises `queue.Empty` when there is none, and something is due."""
        return self._jobs.get(block, max(self._due - time.monotonic(), 0) if self._later else None)

    def _put_off(self, job: Job) -> None:
        if not self._later:
            self._due = time.monotonic() + LINGER
        self._later.append(job)

    def _take_later(self) -> list[Job]:
        later, self._later = self._later, []
        return later

    def _do(self, group: list[Job]) -> None:
        publications = [(job, job.work) for job in group if isinstance(job.work, Publication)]
        if publications:
            outcomes = self._publisher.publish([publication for _, publication in publications])
            _resolve(zip((job for job, _ in publications), outcomes, strict=True))
            if not all(outcomes):
                self._notify()
        for job in group:
            if not isinstance(job.work, Publication):
                _resolve([(job, _outcome(job.work))])


def _outcome(work: Callable[[], None]) -> StoreError | None:
    try:
        work()
    except StoreError as error:
        return error
    return None


def _resolve(outcomes: Iterable[tuple[Job, StoreError | None]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Job, StoreError | None]]] = {}
    for job, outcome in outcomes:
        by_loop.setdefault(job.loop, []).append((job, outcome))
    for loop, results in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended and nobody waits any more
            loop.call_soon_threadsafe(_set_results, results)


def _set_results(results: list[tuple[Job, StoreError | None]]) -> None:
    for job, outcome in results:
        if job.done.done():
            continue
        if outcome is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(outcome)
