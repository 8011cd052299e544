"""A bound on how long a task waits, as `asyncio.timeout` is one, by the alarms that all connections share.

A timer for every message, set and hardly ever rung, costs more than to store a small one in memory.
"""

import asyncio
from types import TracebackType

from mailscribe_smtp.alarms import NONE, Alarms


class Limit:
    """`with Limit(alarms, seconds): await …` raises `TimeoutError` when it takes longer, by a tick at most."""

    __slots__ = ("_alarms", "_cancelling", "_is_late", "_seconds", "_task", "_tick")

    _task: "asyncio.Task[object]"

    def __init__(self, alarms: Alarms, seconds: float) -> None:
        self._alarms = alarms
        self._seconds = seconds
        self._tick = NONE
        self._is_late = False
        self._cancelling = 0

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("nothing waits but tasks")
        self._task, self._cancelling = task, task.cancelling()
        self._tick = self._alarms.tick_in(self._seconds)
        self._alarms.add(self._tick, self)

    def ring(self) -> None:
        """It has taken too long."""
        self._is_late = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._alarms.remove(self._tick, self)
        if not self._is_late:
            return
        is_ours = self._task.uncancel() <= self._cancelling
        if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error
