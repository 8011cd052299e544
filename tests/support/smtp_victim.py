"""A front end over files, to be killed: `python -m support.smtp_victim FOLDER` says its port and serves for ever."""

import asyncio
import sys
from pathlib import Path

import uvloop

from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.smtp import Service
from mailscribe_local.recovery import recover_open_sessions
from mailscribe_local.spool import LocalSpool
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.server import SmtpServer

SETTINGS = Settings(domains=("*",), line_ends="reject", hostname="test.org")


async def main(folder: Path) -> None:
    recover_open_sessions(folder)
    server = SmtpServer(SETTINGS, LocalSpool(folder, notify=lambda: None), new_id=UlidFactory())
    _, port = await server.start("127.0.0.1", 0, Entrance(service=Service(keep_refused=True)))
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
