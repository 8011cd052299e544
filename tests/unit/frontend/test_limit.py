"""A bound on a wait: it ends the wait that takes too long, and leaves every other alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mailscribe_smtp.alarms import Alarms
from mailscribe_smtp.limit import Limit


@pytest.fixture
async def alarms() -> AsyncIterator[Alarms]:
    found = Alarms(asyncio.get_running_loop())
    yield found
    assert not found._due, "a limit that is over has no alarm"
    found.stop()


async def test_what_is_done_in_time_is_left_alone(alarms: Alarms) -> None:
    with Limit(alarms, 60):
        await asyncio.sleep(0)


async def test_what_takes_too_long_is_ended(alarms: Alarms) -> None:
    with pytest.raises(TimeoutError), Limit(alarms, 0.01):
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_cancelled_stays_cancelled(alarms: Alarms) -> None:
    async def wait() -> None:
        with Limit(alarms, 60):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_and_too_late_is_cancelled(alarms: Alarms) -> None:
    limit = Limit(alarms, 60)

    async def wait() -> None:
        with limit:
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    limit.ring()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_another_error_is_told_though_it_is_late(alarms: Alarms) -> None:
    limit = Limit(alarms, 60)

    async def fail() -> None:
        with limit:
            limit.ring()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                raise KeyError("x") from None

    with pytest.raises(KeyError):
        await fail()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
