"""A child process that does what its `backend` says, and notes each of its lives in the data folder.

ready: listens, and ends when told to. stubborn: listens, and never ends. error: says why it cannot start.
silent: ends without a word. mute: neither ends nor speaks. once: `ready` in its first life, `silent` after that.
Who listens sends its process id to the port that `queue_url` names.
"""

import asyncio
import os
import signal
import sys

from mailscribe.errors import ConfigError
from mailscribe_local.stack.control import ChildConfig, Control, run_child
from mailscribe_local.stack.options import Address


async def main(config: ChildConfig, control: Control) -> None:
    lives = config.folder / "lives"
    with lives.open("a") as file:
        file.write(f"{os.getpid()}\n")
    kind = config.backend
    if kind == "once":
        kind = "ready" if len(lives.read_text().split()) == 1 else "silent"
    if kind == "error":
        raise ConfigError("the reason")
    if kind == "silent":
        os._exit(7)
    if kind in ("mute", "stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind != "mute":
        server = await asyncio.start_server(lambda _, writer: writer.close(), config.listen.host, config.listen.port)
        control.ready(Address(*server.sockets[0].getsockname()))
        await _announce(config.queue_url)
    if kind == "ready":
        await control.stopped()
    else:
        await asyncio.Event().wait()


async def _announce(port: str) -> None:
    if port:
        _, writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"%d\n" % os.getpid())
        writer.close()
        await writer.wait_closed()


if __name__ == "__main__":
    sys.exit(run_child(main))
