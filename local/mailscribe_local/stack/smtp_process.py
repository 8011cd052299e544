"""The SMTP process of the local stack: the front end over the embedded spool, or over S3 on moto.

It parses no mail and opens no records, so that nothing which a message holds can stall a session.
"""

import contextlib
import logging
import os
import sys

from mailscribe import settings as settings_table
from mailscribe.errors import ConfigError
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe_local.recovery import recover_open_sessions
from mailscribe_local.spool import LocalSpool
from mailscribe_local.stack.control import ChildConfig, Control, run_child
from mailscribe_local.stack.options import Address
from mailscribe_smtp.ports import Spool
from mailscribe_smtp.server import SmtpServer, raise_descriptor_limit


async def main(config: ChildConfig, control: Control) -> None:
    """Serve until told to stop, then drain."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="smtp: %(message)s")
    settings = settings_table.load(os.environ, **config.settings)
    raise_descriptor_limit()
    spool = _open_spool(config, settings)
    server = SmtpServer(settings, spool, new_id=UlidFactory())
    try:
        host, port = await server.start(config.listen.host, config.listen.port)
        control.ready(Address(host, port))
        await control.stopped()
    finally:
        await server.drain()
        await spool.close()


def _open_spool(config: ChildConfig, settings: Settings) -> Spool:
    if config.backend == "moto":
        from mailscribe_smtp.s3_spool import S3Spool  # noqa: PLC0415 - not needed with files

        return S3Spool.from_settings(settings, os.environ)
    try:
        recover_open_sessions(config.folder)
        return LocalSpool(config.folder, notify=lambda: _wake(config.wake_fd))
    except OSError as error:
        raise ConfigError(f"--data {config.data}: {error.strerror}") from error


def _wake(fd: int) -> None:
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(fd, b"\n")


if __name__ == "__main__":
    sys.exit(run_child(main))
