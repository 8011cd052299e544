"""Children of the supervisor: how each way to start and to end is heard, and who outlives whom."""

import asyncio
import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError
from mailscribe_local.stack import children
from mailscribe_local.stack.children import Child
from mailscribe_local.stack.control import ChildConfig, Control
from mailscribe_local.stack.lock import DataLock
from mailscribe_local.stack.options import Address

_TESTS = Path(__file__).parents[2]


@dataclass
class Nursery:
    """Makes children of `support.child`; keeps what they made the supervisor say and which of them listens."""

    data: Path
    port: int
    ready: asyncio.Queue[int]
    said: list[str] = field(default_factory=list)
    made: list[Child] = field(default_factory=list)

    def child(self, kind: str) -> Child:
        listen = Address("127.0.0.1", 0)
        config = ChildConfig(
            listen=listen,
            data=str(self.data),
            backend=kind,
            control_fd=-1,
            wake_fd=-1,
            settings={},
            queue_url=str(self.port),
        )
        self.made.append(Child("test", "support.child", config, self.said.append))
        return self.made[-1]


def _lives(data: Path) -> list[int]:
    """The process ids of all that were started."""
    return [int(word) for word in (data / "lives").read_text().split()]


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(_TESTS))
    monkeypatch.setattr(children, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
async def nursery(tmp_path: Path) -> AsyncIterator[Nursery]:
    ready: asyncio.Queue[int] = asyncio.Queue()

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ready.put(int(await reader.read()))
        writer.close()

    async with await asyncio.start_server(heard, "127.0.0.1", 0) as server:
        nursery = Nursery(tmp_path, server.sockets[0].getsockname()[1], ready)
        yield nursery
        for child in nursery.made:
            await child.stop(0.0)


async def _greets(address: Address) -> None:
    """Connect, and see it closed by the other side."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


@contextlib.contextmanager
def _watched(process: int) -> Iterator[int]:
    """A descriptor that is readable when the process has ended."""
    fd = os.pidfd_open(process)
    try:
        yield fd
    finally:
        os.close(fd)


async def test_a_child_that_is_ready_says_where(nursery: Nursery) -> None:
    child = nursery.child("ready")
    address = await child.start()
    assert address.host == "127.0.0.1"
    assert address.port > 0
    await _greets(address)
    with _watched(await nursery.ready.get()) as ended:
        await child.stop(30)
        assert select.select([ended], [], [], 0)[0]
    assert nursery.said == []


async def test_the_reason_that_a_child_gives_is_raised(nursery: Nursery) -> None:
    with pytest.raises(ConfigError, match=r"^the reason$"):
        await nursery.child("error").start()


async def test_a_child_that_ends_without_a_word_is_an_error_of_the_start(nursery: Nursery) -> None:
    with pytest.raises(ConfigError, match="the test process ended before it was ready"):
        await nursery.child("silent").start()


async def test_a_child_that_says_nothing_is_killed(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "START_SECONDS", 1.0)
    monkeypatch.setattr(children, "REAP_SECONDS", 0.1)
    with pytest.raises(ConfigError, match="before it was ready"):
        await nursery.child("mute").start()
    assert nursery.said[0] == "the test process was not ready in 1 s"


async def test_a_child_that_dies_is_started_again_on_the_same_port(nursery: Nursery) -> None:
    child = nursery.child("ready")
    address = await child.start()
    watching = asyncio.create_task(child.watch())
    process = await nursery.ready.get()
    for _ in range(2):
        os.kill(process, signal.SIGKILL)
        process = await nursery.ready.get()
        await _greets(address)
    assert nursery.said == ["the test process died (signal 9); starting it again"] * 2
    await child.stop(30)
    await watching
    assert child.address == address
    assert len(set(_lives(nursery.data))) == 3


async def test_a_child_that_dies_again_and_again_is_given_up(nursery: Nursery) -> None:
    child = nursery.child("once")
    await child.start()
    os.kill(await nursery.ready.get(), signal.SIGKILL)
    with pytest.raises(ConfigError, match=r"the test process died 4 times in a row \(exit code 7\)"):
        await child.watch()
    assert (
        nursery.said
        == ["the test process died (signal 9); starting it again"]
        + ["the test process died (exit code 7); starting it again"] * 2
    )


async def test_a_child_that_does_not_end_in_time_is_killed(nursery: Nursery) -> None:
    child = nursery.child("stubborn")
    await child.start()
    with _watched(await nursery.ready.get()) as ended:
        await child.stop(0.1)
        assert select.select([ended], [], [], 0)[0]
    assert nursery.said == ["the test process did not end in 0.1 s; killed"]


async def test_a_stopped_child_is_not_started_again(nursery: Nursery) -> None:
    child = nursery.child("ready")
    await child.start()
    watching = asyncio.create_task(child.watch())
    await child.stop(30)
    await watching
    assert len(_lives(nursery.data)) == 1


async def test_what_never_started_needs_no_stop(nursery: Nursery) -> None:
    await nursery.child("ready").stop(0.0)
    assert nursery.said == []


def test_children_end_when_their_supervisor_is_killed_and_hold_its_lock_until_then(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "support.parent", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert re.fullmatch(r"127\.0\.0\.1:\d+\n", parent.stdout.readline())
        (child,) = _lives(tmp_path)
        with _watched(child) as ended:
            os.kill(child, signal.SIGSTOP)
            parent.kill()
            parent.wait()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("mailscribe_local.stack.lock.PATIENCE", 0.1)
                with pytest.raises(ConfigError, match=f"process {parent.pid}"):
                    DataLock(tmp_path)
            os.kill(child, signal.SIGCONT)
            DataLock(tmp_path).close()  # waits for it
            assert select.select([ended], [], [], 30)[0]


def test_a_config_is_read_back_as_it_was() -> None:
    config = ChildConfig(
        listen=Address("::1", 25),
        data="/data",
        backend="moto",
        control_fd=3,
        wake_fd=4,
        settings={"domains": ("*",), "max_sessions": 5},
        queue_url="http://127.0.0.1/queue",
    )
    assert ChildConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("how", ["end", "signal"])
async def test_a_child_hears_the_order_to_stop(how: str) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        control = Control(theirs.detach())
        stopped = asyncio.create_task(control.stopped())
        await asyncio.sleep(0)  # it listens
        if how == "end":
            ours.close()
        else:
            os.kill(os.getpid(), signal.SIGTERM)
        await stopped
        control.close()


async def test_a_child_that_is_ready_too_late_for_its_supervisor_stops() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    control = Control(theirs.detach())
    control.ready(Address("127.0.0.1", 25))
    control.failed("nobody listens")
    await control.stopped()
    control.close()
