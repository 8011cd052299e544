"""What the template's schedule does, for the local stack: one event to a handler, again and again, until stopped.

A handler that raises has failed that time only; the next one makes it good. It never runs twice at once.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from mailscribe.errors import StoreError
from mailscribe_local.deploy import Handler

CLOSE_LOST: Final[dict[str, Any]] = {"task": "close-lost-sessions"}
SEAL: Final[dict[str, Any]] = {"task": "seal"}
SWEEP_INDEX: Final[dict[str, Any]] = {"task": "sweep"}
"""The inputs of the template's schedules."""


def one_at_a_time(*handlers: Handler) -> list[Handler]:
    """The handlers, of which only one works at any time: moto's tables must not change while a transaction copies them.

    >>> (double,) = one_at_a_time(lambda event, context: event | {"twice": True})
    >>> double({"a": 1}, None)
    {'a': 1, 'twice': True}
    """
    lock = threading.Lock()

    def alone(handler: Handler) -> Handler:
        def call(event: dict[str, Any], context: object) -> dict[str, Any]:
            with lock:
                return handler(event, context)

        return call

    return [alone(handler) for handler in handlers]


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
            except StoreError as error:
                _log.warning("the scheduled event %s failed: %s", self._event, error)
            except Exception:  # noqa: BLE001 - whatever the function raises fails this time, as on Lambda
                _log.exception("the scheduled event %s failed", self._event)
            else:
                self._after()

    def stop(self, seconds: float) -> None:
        """Finish what is in hand and end, or give up waiting for that after `seconds`."""
        self._stopping.set()
        self.join(seconds)
