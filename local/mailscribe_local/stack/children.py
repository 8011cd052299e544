"""A child process of the supervisor: start it, hear whether it is ready, start it again when it dies.

A child that dies before it was ever ready is an error of the start. One that dies later is started again on
the same port, with a growing pause; nothing that it had acknowledged is lost by that.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mailscribe.errors import ConfigError
from mailscribe_local.stack.control import ChildConfig
from mailscribe_local.stack.options import Address

START_SECONDS: Final = 60.0
REAP_SECONDS: Final = 5.0
"""What a child gets to end in that could not start."""
PAUSES: Final = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
STEADY_SECONDS: Final = 30.0


class _StartFailed(ConfigError):
    """It ended before it was ready and did not say why."""


class Child:
    """One child, kept alive until `stop`. `say` takes a line for the person at the terminal.

    `lock_fd` is held by the child for as long as it lives.
    """

    def __init__(
        self, name: str, module: str, config: ChildConfig, say: Callable[[str], None], *, lock_fd: int = -1
    ) -> None:
        self.name = name
        self.address = config.listen
        self._module = module
        self._config = config
        self._say = say
        self._lock_fd = lock_fd
        self._process: asyncio.subprocess.Process | None = None
        self._control: asyncio.StreamWriter | None = None
        self._stopping = False

    async def start(self) -> Address:
        """Start and wait until it is ready; the address it listens on. Raises `ConfigError` if it cannot."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await self._spawn(theirs.fileno())
                reader, self._control = await asyncio.open_connection(sock=ours)
            except BaseException:
                ours.close()
                raise
        answer = await self._answer(reader)
        if "ready" not in answer:
            await self._end(REAP_SECONDS)
            if "error" in answer:
                raise ConfigError(answer["error"])
            raise _StartFailed(f"the {self.name} process ended before it was ready")
        self.address = Address(**answer["ready"])
        return self.address

    async def watch(self) -> None:
        """Start the child again whenever it dies, until `stop`. Raises `ConfigError` when it dies too often."""
        loop, deaths = asyncio.get_running_loop(), 0
        begun = loop.time()
        while self._process is not None:
            code = await self._process.wait()
            if self._stopping:
                return
            self._close_control()
            deaths = 1 if loop.time() - begun > STEADY_SECONDS else deaths + 1
            if deaths > len(PAUSES):
                raise ConfigError(f"the {self.name} process died {deaths} times in a row ({_how(code)})")
            self._say(f"the {self.name} process died ({_how(code)}); starting it again")
            await asyncio.sleep(PAUSES[deaths - 1])
            begun = loop.time()
            with contextlib.suppress(_StartFailed):  # it is dead again: the next round says so
                await self.start()

    async def stop(self, seconds: float) -> None:
        """Ask it to drain and end; kill it after `seconds`."""
        self._stopping = True
        await self._end(seconds)

    async def _spawn(self, control_fd: int) -> asyncio.subprocess.Process:
        config = replace(self._config, listen=self.address, control_fd=control_fd)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the folder that `up` runs in is no place for modules
            "-m",
            self._module,
            config.to_json(),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[fd for fd in (config.control_fd, config.wake_fd, self._lock_fd) if fd >= 0],
            start_new_session=True,
        )

    async def _answer(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        """What the child says first; nothing when it ends, or says nothing in time."""
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await reader.readline()
        except TimeoutError:
            self._say(f"the {self.name} process was not ready in {START_SECONDS:g} s")
            return {}
        except ConnectionError:
            return {}
        answer: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
        return answer

    async def _end(self, seconds: float) -> None:
        """SIGTERM, SIGKILL after `seconds`; then it is gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(seconds):
                    await self._process.wait()
            except TimeoutError:
                self._say(f"the {self.name} process did not end in {seconds:g} s; killed")
                self._process.kill()
                await self._process.wait()
        self._close_control()

    def _close_control(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def wake_pipe() -> tuple[int, int]:
    """A pipe by which the SMTP process wakes the worker: (read end, write end), neither blocking."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer
