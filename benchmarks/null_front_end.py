"""Our front end over a store that forgets, in this process until SIGTERM."""

import asyncio
import signal

import uvloop

from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe_smtp.server import SmtpServer


class _Forgets:
    """A message writer and a transcript writer that keep nothing."""

    held = 0

    def write(self, data: bytes) -> bool:  # noqa: ARG002 - the port's signature
        """Forget the bytes."""
        return True

    async def drain(self) -> None:
        """There is always room."""

    def append(self, lines: bytes) -> None:
        """Forget the lines."""

    async def commit(self) -> None:
        """Acknowledge."""

    async def commit_refused(self) -> None:
        """Done."""

    async def discard(self) -> None:
        """Done."""

    async def abort(self) -> None:
        """Nothing to drop."""

    async def close(self) -> None:
        """Nothing to keep."""


class NullSpool:
    """A spool whose every put succeeds at once and keeps nothing."""

    def message(self, ulid: str) -> _Forgets:  # noqa: ARG002 - the port's signature
        return _Forgets()

    def transcript(self, ulid: str) -> _Forgets:  # noqa: ARG002 - the port's signature
        return _Forgets()

    async def delete(self, ulid: str) -> None:
        """Nothing was kept."""

    async def healthy(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is open."""


async def main() -> None:
    """Serve on a free port and say which."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings(domains=("*",), line_ends="store", max_sessions=5000, max_sessions_per_ip=5000)
    server = SmtpServer(settings, NullSpool(), new_id=UlidFactory())
    _, port = await server.start("127.0.0.1", 0)
    print(f"port {port}", flush=True)
    await stop.wait()
    await server.drain()


if __name__ == "__main__":
    uvloop.run(main())
