"""The container's entry: settings from the environment, listeners, health port, drain on SIGTERM or SIGINT.

Standard output carries one JSON line per session and per event of the process; never a secret, never content.
Exit codes: 0 drained, 1 drained but something was cut off, 2 a setting or port cannot be used,
3 the bucket does not answer or is not there. A reason is one line on standard error, never a traceback.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from enum import IntEnum

import uvloop

from mailscribe.errors import ConfigError, StoreError
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings, load
from mailscribe_smtp.assembly import Assembly
from mailscribe_smtp.bucket_config import BucketConfig
from mailscribe_smtp.health import serve_health
from mailscribe_smtp.listeners import Listener, parse_address, parse_listener
from mailscribe_smtp.logs import log_event, log_session, set_up_logging
from mailscribe_smtp.s3_spool import S3Spool
from mailscribe_smtp.server import SmtpServer, raise_descriptor_limit
from mailscribe_smtp.workers import Workers, is_worker


class Exit(IntEnum):
    """Exit codes of the container."""

    OK = 0
    CUT_OFF = 1
    CONFIG = 2
    UNREACHABLE = 3


async def serve(environ: Mapping[str, str]) -> Exit:
    """Serve until told to stop, then drain. Raises `ConfigError`, `StoreError`."""
    settings = load(environ)
    listeners = [parse_listener(text) for text in settings.listen]
    if not listeners:
        raise ConfigError("MAILSCRIBE_LISTEN names no listener")
    if settings.workers > 1 and not is_worker(environ):
        return await _serve_in_workers(settings, listeners, environ)
    assembly = Assembly(settings)
    spool = S3Spool.from_settings(settings, environ)
    await spool.check()
    config = BucketConfig(assembly.source, spool.store)
    await config.refresh()
    server = SmtpServer(settings, spool, new_id=UlidFactory(), on_session=log_session, policy=assembly.source.policy)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, assembly.refresh)
    keeping = [asyncio.create_task(work) for work in (assembly.keep_fresh(), config.poll())]
    health = None
    try:
        for listener in listeners:
            entrance = assembly.entrance(listener)
            address = await server.start(listener.host, listener.port, entrance, shared=is_worker(environ))
            log_event("listening", smtp="{}:{}".format(*address), profile=listener.profile)
        if settings.health_listen and not is_worker(environ):
            health = await serve_health(*parse_address(settings.health_listen), lambda: server.draining)
            log_event("listening", health="{}:{}".format(*health.sockets[0].getsockname()))
        await stop.wait()
        log_event("draining", sessions=server.sessions)
    finally:
        for work in keeping:
            work.cancel()
        complete = await server.drain()
        if health is not None:
            health.close()
        assembly.close()
        await spool.close()
    log_event("stopped", sessions=server.counts.sessions, messages=server.counts.messages, failed=server.counts.failed)
    return Exit.OK if complete else Exit.CUT_OFF


async def _serve_in_workers(settings: Settings, listeners: list[Listener], environ: Mapping[str, str]) -> Exit:
    """The parent of several processes, with the health port of all."""
    if not all(listener.port for listener in listeners):
        raise ConfigError("MAILSCRIBE_LISTEN: workers share their ports, so port 0 is none of them")
    workers = Workers(settings.workers, environ)
    health = None
    try:
        if settings.health_listen:
            health = await serve_health(*parse_address(settings.health_listen), lambda: workers.draining)
        return Exit(await workers.run())
    finally:
        if health is not None:
            health.close()


def main(environ: Mapping[str, str]) -> Exit:
    """Run; the exit code."""
    set_up_logging()
    raise_descriptor_limit()
    try:
        return uvloop.run(serve(environ))
    except (ConfigError, StoreError) as error:
        sys.stderr.write(f"mailscribe-smtp: {error}\n")
        return Exit.CONFIG if isinstance(error, ConfigError) else Exit.UNREACHABLE


if __name__ == "__main__":
    sys.exit(main(os.environ))
