"""The SMTP process of the local stack: the front end over the embedded spool, or over S3 on moto.

It parses no mail and opens no records, so that nothing which a message holds can stall a session.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec import structs

from mailscribe import settings as settings_table
from mailscribe.errors import ConfigError
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.smtp import Service
from mailscribe_local.folder_config import FolderConfig
from mailscribe_local.recovery import recover_open_sessions
from mailscribe_local.refused import keep_swept
from mailscribe_local.spool import LocalSpool
from mailscribe_local.stack.control import ChildConfig, Control, run_child
from mailscribe_local.stack.options import Address
from mailscribe_smtp.assembly import Assembly
from mailscribe_smtp.health import Source, serve_health
from mailscribe_smtp.listeners import Listener, parse_address, parse_listener
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.ports import Spool
from mailscribe_smtp.server import SmtpServer, raise_descriptor_limit

if TYPE_CHECKING:
    from mailscribe_smtp.s3_spool import S3Spool


async def main(config: ChildConfig, control: Control) -> None:
    """Serve until told to stop, then drain."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="smtp: %(message)s")
    settings = settings_table.load(os.environ, **config.settings)
    raise_descriptor_limit()
    assembly = Assembly(settings)
    spool = _open_spool(config, settings)
    refresh, keeping = await _keep_policy(config, assembly, spool)
    metrics, ports = Metrics(), list[asyncio.Server]()
    server = SmtpServer(
        settings,
        spool,
        new_id=UlidFactory(),
        policy=assembly.source.policy,
        metrics=metrics,
        before_session=refresh,
    )
    try:
        address = config.listen
        entrance = assembly.entrance(Listener(address.host, address.port, "open"), partial(_only_here, address))
        host, port = await server.start(address.host, address.port, entrance)
        for listener in map(parse_listener, settings.listen):
            address = Address(*await server.start(listener.host, listener.port, assembly.entrance(listener)))
            sys.stderr.write(f"smtp: {listener.profile} on {address}\n")
        if settings.health_listen:
            ports.append(await _open_health(settings.health_listen, Source.of(server, metrics)))
        control.ready(Address(host, port))
        await control.stopped()
    finally:
        for work in keeping:
            work.cancel()
        await server.drain()
        for opened in ports:
            opened.close()
        assembly.close()
        await spool.close()


async def _open_health(listen: str, source: Source) -> asyncio.Server:
    """The health port, and a word where it is."""
    health = await serve_health(*parse_address(listen), source)
    sys.stderr.write("smtp: health on {}:{}\n".format(*health.sockets[0].getsockname()))
    return health


def _only_here(address: Address, service: Service) -> Service:
    """Credentials in clear are for what does not leave this machine."""
    return structs.replace(service, auth_in_clear=service.auth_in_clear and address.is_loopback)


async def _keep_policy(
    config: ChildConfig, assembly: Assembly, spool: Spool
) -> tuple[Callable[[], None], list[asyncio.Task[None]]]:
    """What to do before each session, and what goes on beside: rules of the API are in force at once with files."""
    keeping = [asyncio.create_task(assembly.keep_fresh())]
    if config.backend != "moto":
        objects, days = config.folder / "objects", assembly.settings.refused_days
        keeping.append(asyncio.create_task(keep_swept(objects, days)))
        return FolderConfig(assembly.source, objects).refresh, keeping
    from mailscribe_smtp.bucket_config import BucketConfig  # noqa: PLC0415 - not needed with files

    bucket = BucketConfig(assembly.source, cast("S3Spool", spool).store)
    await bucket.refresh()
    return lambda: None, [*keeping, asyncio.create_task(bucket.poll())]


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
