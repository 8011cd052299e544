"""The local schedule: the same event again and again, whatever came of it before, until it is stopped."""

import threading
from typing import Any

import pytest

from mailscribe_local.schedule import CLOSE_LOST, Schedule


class _Function:
    """Notes its events; fails the first time."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.done = threading.Event()

    def __call__(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        self.events.append(event)
        if len(self.events) == 1:
            raise RuntimeError("as a function may")
        return {}


def test_a_time_that_fails_is_made_good_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    function = _Function()
    schedule = Schedule(function, CLOSE_LOST, seconds=0.001, after=function.done.set)
    schedule.start()
    assert function.done.wait(30)
    schedule.stop(30)
    assert not schedule.is_alive()
    assert function.events[:2] == [CLOSE_LOST, CLOSE_LOST]
    assert "the scheduled event" in caplog.text


def test_it_stops_between_two_times_at_once() -> None:
    function = _Function()
    schedule = Schedule(function, CLOSE_LOST, seconds=3600, after=function.done.set)
    schedule.start()
    schedule.stop(30)
    assert not schedule.is_alive()
    assert function.events == []
