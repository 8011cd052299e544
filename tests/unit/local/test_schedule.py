"""The local schedule: the same event again and again, whatever came of it before, until it is stopped."""

import threading
from typing import Any

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe_local.schedule import CLOSE_LOST, Schedule, one_at_a_time


class _Function:
    """Notes its events; fails the first time."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or RuntimeError("as a function may")
        self.events: list[dict[str, Any]] = []
        self.done = threading.Event()

    def __call__(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        self.events.append(event)
        if len(self.events) == 1:
            raise self.error
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


def test_a_store_that_does_not_answer_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    function = _Function(StoreUnavailable("down"))
    schedule = Schedule(function, CLOSE_LOST, seconds=0.001, after=function.done.set)
    schedule.start()
    assert function.done.wait(30)
    schedule.stop(30)
    assert "failed: down" in caplog.text
    assert "Traceback" not in caplog.text


def test_handlers_that_must_not_work_at_once() -> None:
    inside, most, begun = 0, 0, threading.Barrier(2)

    def work(event: dict[str, Any], context: object) -> dict[str, Any]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        threading.Event().wait(0.02)
        inside -= 1
        return {}

    first, second = one_at_a_time(work, work)

    def run(handler: Any) -> None:
        begun.wait()
        handler({}, None)

    threads = [threading.Thread(target=run, args=(handler,)) for handler in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
