"""Waiting for something to become readable: a poll, repeated when told that there may be more, until a time-out.

Two ways with one meaning: `wait` is a coroutine woken by whoever made something readable (`Wake`), for a host that
holds many waiters; `wait_blocking` sleeps between polls, for a function that has nobody to wake it. Neither misses
what becomes readable between a poll and the sleep after it: a bell is hung up before the poll it follows.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

REPEAT: Final = 5.0
"""Seconds after which a woken waiter polls although nobody rang: another process may have written."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 1.0


class Wake:
    """Wakes every waiter, whatever thread or event loop it is in."""

    def __init__(self) -> None:
        self._bells: dict[asyncio.AbstractEventLoop, set[asyncio.Event]] = {}
        self._lock = threading.Lock()

    def ring(self) -> None:
        """Something became readable. Callable from any thread; never blocks for long."""
        with self._lock:
            loops = list(self._bells)
        for loop in loops:
            with contextlib.suppress(RuntimeError):  # the loop was closed: its waiters are gone
                loop.call_soon_threadsafe(self._ring_in, loop)

    @contextlib.contextmanager
    def bell(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that every `ring` sets while the context lasts."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._bells.setdefault(loop, set()).add(event)
        try:
            yield event
        finally:
            with self._lock:
                bells = self._bells[loop]
                bells.discard(event)
                if not bells:
                    del self._bells[loop]

    @property
    def waiters(self) -> int:
        """How many wait now."""
        with self._lock:
            return sum(map(len, self._bells.values()))

    def _ring_in(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            bells = list(self._bells.get(loop, ()))
        for event in bells:
            event.set()


async def wait[T](
    poll: Callable[[], Awaitable[T | None]], *, seconds: float, wake: Wake, repeat: float = REPEAT
) -> T | None:
    """What `poll` first finds within `seconds`; None at the time-out. At least one poll is made."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with wake.bell() as bell:
        while True:
            bell.clear()
            found = await poll()
            left = end - loop.time()
            if found is not None or left <= 0:
                return found
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bell.wait(), min(left, repeat))


def wait_blocking[T](
    poll: Callable[[], T | None],
    *,
    seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> T | None:
    """What `poll` first finds within `seconds` of `clock`; None at the time-out. The last poll is at the end."""
    end, pause = clock() + seconds, FIRST_PAUSE
    while True:
        found = poll()
        left = end - clock()
        if found is not None or left <= 0:
            return found
        sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE)
