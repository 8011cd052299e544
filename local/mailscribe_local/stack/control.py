"""How the supervisor and a child process talk: one socket, JSON lines, and its end as the order to stop.

The child says once that it is ready (with the address it listens on) or why it cannot start. It stops when
the socket ends, so that no child outlives a supervisor that was killed, or on SIGTERM.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from mailscribe.errors import ConfigError
from mailscribe_local.stack.options import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """What a child is told. `fd`s are inherited; `settings` override the environment's."""

    listen: Address
    data: str
    backend: str
    control_fd: int
    wake_fd: int
    settings: dict[str, Any]
    queue_url: str = ""

    def to_json(self) -> str:
        """The child's one argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read back in the child."""
        values = json.loads(text)
        settings = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values["settings"].items()
        }
        return cls(**(values | {"listen": Address(**values["listen"]), "settings": settings}))

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)


class Control:
    """The child's end of the control socket."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._stop = asyncio.Event()

    def ready(self, address: Address) -> None:
        """Tell the supervisor that this child answers at `address`."""
        self._send({"ready": asdict(address)})

    def failed(self, reason: str) -> None:
        """Tell the supervisor why this child cannot start."""
        self._send({"error": reason})

    async def stopped(self) -> None:
        """Return when the supervisor is gone or a SIGTERM came."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_reader(self._socket, self._read)
        await self._stop.wait()
        loop.remove_reader(self._socket)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _read(self) -> None:
        try:
            if not self._socket.recv(64):
                self._stop.set()
        except BlockingIOError:
            return
        except OSError:
            self._stop.set()

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.setblocking(True)
        with contextlib.suppress(ConnectionError):  # the supervisor is gone: `stopped` says so
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        self._socket.setblocking(False)


def run_child(main: Callable[[ChildConfig, Control], Awaitable[None]]) -> int:
    """Run a child's `main` on uvloop until it is told to stop; the exit code.

    `ConfigError`s go to the supervisor as one line; SIGINT is the supervisor's business.
    """
    import uvloop  # noqa: PLC0415 - only children need it

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = ChildConfig.from_json(sys.argv[1])

    async def run() -> int:
        control = Control(config.control_fd)
        try:
            await main(config, control)
        except ConfigError as error:
            control.failed(str(error))
            return os.EX_CONFIG
        return os.EX_OK

    return uvloop.run(run())
