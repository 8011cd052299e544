"""Caps, budget and counts."""

from dataclasses import replace

from mailscribe.ids import UlidFactory
from mailscribe.smtp import Refusal
from mailscribe_smtp.hub import SPARE_SESSIONS, Budget, Clocks, Hub, SessionEnded
from support.frontend import LOCAL, QUICK
from support.spools import MemorySpool

new_id = UlidFactory()


class Held:
    """A writer that holds what it is told to."""

    def __init__(self, held: int) -> None:
        self.held = held

    def write(self, data: bytes) -> bool:
        return True

    async def drain(self) -> None:
        return

    async def commit(self) -> None:
        return

    async def commit_refused(self) -> None:
        return

    async def abort(self) -> None:
        return


class Line:
    """A connection that only counts."""

    def shutdown(self) -> None:
        return

    def kill(self) -> None:
        return


def _ignore(ended: SessionEnded) -> None:
    return


def _hub(**changes: int) -> Hub:
    settings = replace(LOCAL, **changes)  # type: ignore[arg-type]
    return Hub(settings, MemorySpool(), new_id=new_id, clocks=Clocks(), on_session=_ignore, timing=QUICK)


def test_the_budget_at_its_limit() -> None:
    budget, writer = Budget(100), Held(99)
    assert budget.update(writer)
    assert budget.has_room()
    writer.held = 100
    assert budget.update(writer)
    assert not budget.has_room()
    writer.held = 101
    assert not budget.update(writer)
    budget.release(writer)
    budget.release(writer)
    assert budget.has_room()


def test_what_was_uploaded_meanwhile_is_room_again() -> None:
    budget, first, second = Budget(100), Held(100), Held(50)
    budget.update(first)
    first.held = 10
    assert budget.has_room()
    assert budget.update(second)
    first.held = 51
    assert not budget.update(first)


async def test_sessions_at_their_limit() -> None:
    hub = _hub(max_sessions=2)
    lines = [Line() for _ in range(3)]
    assert [hub.begin(line, f"192.0.2.{number}") for number, line in enumerate(lines)] == [
        None,
        None,
        Refusal.TOO_MANY,
    ]
    hub.end(lines[2], "192.0.2.2")
    hub.end(lines[0], "192.0.2.0")
    assert hub.begin(Line(), "192.0.2.9") is None
    assert (hub.counts.sessions, hub.counts.refused) == (4, 1)


async def test_sessions_of_an_address_at_their_limit() -> None:
    hub = _hub(max_sessions_per_ip=1)
    first = Line()
    assert hub.begin(first, "192.0.2.1") is None
    assert hub.begin(Line(), "192.0.2.1") is Refusal.TOO_MANY
    assert hub.begin(Line(), "192.0.2.2") is None
    hub.end(first, "192.0.2.1")
    assert hub.begin(Line(), "192.0.2.1") is Refusal.TOO_MANY


async def test_refusals_have_a_limit_too() -> None:
    hub = _hub(max_sessions=1)
    for _ in range(SPARE_SESSIONS + 1):
        assert not hub.is_full()
        hub.begin(Line(), "192.0.2.1")
    assert hub.is_full()
    assert hub.counts.dropped == 1


async def test_idle_is_when_neither_connections_nor_tasks_are_left() -> None:
    hub = _hub()
    line = Line()
    hub.begin(line, "192.0.2.1")

    async def work() -> None:
        hub.end(line, "192.0.2.1")

    hub.spawn(work())
    await hub.idle()
    assert hub.connections == set()
    assert hub.cancel_tasks() == 0
