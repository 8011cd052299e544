"""Waiting: woken from any thread, never missing what came in between, over in time; blocking with growing pauses."""

import asyncio
import threading

import pytest

from mailscribe.service.waits import FIRST_PAUSE, LONGEST_PAUSE, Wake, wait, wait_blocking


class Box:
    """Something that may be found; tells when it was looked for."""

    def __init__(self) -> None:
        self.content: str | None = None
        self.looks = 0
        self.looked = asyncio.Event()

    async def poll(self) -> str | None:
        self.looks += 1
        self.looked.set()
        return self.content


async def waiter(box: Box, wake: Wake, seconds: float = 30) -> "asyncio.Task[str | None]":
    """A wait that has looked once and found nothing."""
    task = asyncio.create_task(wait(box.poll, seconds=seconds, wake=wake, repeat=30))
    await box.looked.wait()
    return task


async def test_what_is_there_already_is_found_at_the_first_look() -> None:
    box, wake = Box(), Wake()
    box.content = "mail"
    assert await wait(box.poll, seconds=0, wake=wake) == "mail"
    assert (box.looks, wake.waiters) == (1, 0)


async def test_without_time_one_look_is_made() -> None:
    box = Box()
    assert await wait(box.poll, seconds=0, wake=Wake()) is None
    assert box.looks == 1


async def test_a_ring_makes_a_waiter_look_again() -> None:
    box, wake = Box(), Wake()
    task = await waiter(box, wake)
    box.content = "mail"
    wake.ring()
    assert await task == "mail"
    assert wake.waiters == 0


async def test_a_ring_from_another_thread_wakes_every_waiter() -> None:
    boxes, wake = [Box() for _ in range(200)], Wake()
    tasks = [await waiter(box, wake) for box in boxes]
    assert wake.waiters == 200
    for box in boxes:
        box.content = "mail"
    thread = threading.Thread(target=wake.ring)
    thread.start()
    assert await asyncio.gather(*tasks) == ["mail"] * 200
    thread.join()


async def test_a_ring_during_a_look_is_not_missed() -> None:
    wake = Wake()
    looks = 0

    async def poll() -> bool | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            wake.ring()
            return None
        return True

    assert await wait(poll, seconds=30, wake=wake, repeat=30)


async def test_a_ring_for_something_else_does_not_end_a_wait() -> None:
    box, wake = Box(), Wake()
    task = await waiter(box, wake)
    box.looked.clear()
    wake.ring()
    await box.looked.wait()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wake.waiters == 0


async def test_a_waiter_that_nobody_wakes_looks_by_itself() -> None:
    box = Box()

    async def poll() -> str | None:
        found = await box.poll()
        box.content = "written by another process"
        return found

    assert await wait(poll, seconds=30, wake=Wake(), repeat=0.001) == "written by another process"


async def test_a_wait_ends_in_time_with_a_last_look() -> None:
    box = Box()
    assert await wait(box.poll, seconds=0.001, wake=Wake()) is None
    assert box.looks >= 2


async def test_an_error_of_a_look_ends_the_wait_and_takes_the_bell_down() -> None:
    async def poll() -> None:
        raise OSError

    wake = Wake()
    with pytest.raises(OSError):  # noqa: PT011 - which one does not matter
        await wait(poll, seconds=30, wake=wake)
    assert wake.waiters == 0


def test_a_ring_after_a_loop_ended_is_harmless() -> None:
    wake = Wake()

    async def hang_up_and_leave() -> None:
        bells = wake.bell()
        bells.__enter__()

    asyncio.run(hang_up_and_leave())
    wake.ring()


class Time:
    """A clock that sleeping moves; what is said to come comes at its time."""

    def __init__(self, comes_at: float | None = None) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.comes_at = comes_at

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def poll(self) -> str | None:
        return "mail" if self.comes_at is not None and self.now >= self.comes_at else None


def block(time: Time, seconds: float) -> str | None:
    return wait_blocking(time.poll, seconds=seconds, clock=time.clock, sleep=time.sleep)


def test_blocking_finds_at_once_without_sleep() -> None:
    time = Time(comes_at=0)
    assert block(time, 25) == "mail"
    assert time.slept == []


def test_blocking_pauses_grow_to_a_limit_and_end_exactly_in_time() -> None:
    time = Time()
    assert block(time, 25) is None
    assert time.slept[0] == FIRST_PAUSE
    assert max(time.slept) == LONGEST_PAUSE
    assert sum(time.slept) == pytest.approx(25)


def test_blocking_finds_what_comes_at_the_very_end() -> None:
    assert block(Time(comes_at=100 + 25 - 1e-9), 25) == "mail"


def test_blocking_finds_within_a_pause() -> None:
    time = Time(comes_at=110)
    assert block(time, 25) == "mail"
    assert time.now - 110 <= LONGEST_PAUSE
