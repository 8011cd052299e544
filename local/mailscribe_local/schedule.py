"""What the template's schedule does, for the local stack: one event to a handler, again and again, until stopped.

A handler that raises has failed that time only; the next one makes it good. It never runs twice at once.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from mailscribe_local.deploy import Handler

CLOSE_LOST: Final[dict[str, Any]] = {"task": "close-lost-sessions"}
SEAL: Final[dict[str, Any]] = {"task": "seal"}
SWEEP_INDEX: Final[dict[str, Any]] = {"task": "sweep"}
"""The inputs of the template's schedules."""

_log = logging.getLogger(__name__)


class Schedule(threading.Thread):
    """Hands an event to a handler every `seconds`; `after` is called each time that it did its work."""

    def __init__(self, handler: Handler, event: dict[str, Any], *, seconds: float, after: Callable[[], None]) -> None:
        super().__init__(name="schedule", daemon=True)
        self._handler = handler
        self._event = event
        self._seconds = seconds
        self._after = after
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping.wait(self._seconds):
            try:
                self._handler(self._event, None)
            except Exception:  # noqa: BLE001 - whatever the function raises fails this time, as on Lambda
                _log.exception("the scheduled event %s failed", self._event)
            else:
                self._after()

    def stop(self, seconds: float) -> None:
        """Finish what is in hand and end, or give up waiting for that after `seconds`."""
        self._stopping.set()
        self.join(seconds)
