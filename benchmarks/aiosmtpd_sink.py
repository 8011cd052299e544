"""The peer: aiosmtpd with its Sink handler on uvloop, in this process until SIGTERM."""

import asyncio
import signal

import uvloop
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP


async def main() -> None:
    """Serve on a free port and say which."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: SMTP(Sink(), hostname="localhost", data_size_limit=64 << 20, enable_SMTPUTF8=False), "127.0.0.1", 0
    )
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(main())
