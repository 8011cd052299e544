"""What stands behind the two processes: the embedded stores, or AWS resources on an in-process moto server.

A backend gives the settings by which this machine differs from the deployed defaults, and holds the API token's
row. Child processes open the same stores by themselves, from the data folder or from the environment.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mailscribe import settings as settings_table
from mailscribe.errors import ConfigError, StoreError
from mailscribe.settings import Settings
from mailscribe_local.files import FileObjects
from mailscribe_local.self_signed import self_signed
from mailscribe_local.sqlite import SqliteRecords
from mailscribe_local.stack.options import SELF_SIGNED, Address, Options
from mailscribe_local.stack.up_token import put_token

RECORDS_FILE: Final = "records.sqlite"


@dataclass(frozen=True, slots=True)
class Backend:
    """The settings in force, what of them must be handed to the children, and moto's queue."""

    settings: Settings
    overrides: dict[str, Any]
    queue_url: str = ""


@contextlib.contextmanager
def open_backend(options: Options, environ: dict[str, str], say: Callable[[str], None]) -> Iterator[Backend]:
    """Make the stores ready and put the API token into them. Raises `ConfigError`."""
    overrides = local_settings(options, environ)
    if options.backend == "embedded":
        settings = settings_table.load(environ, **overrides)
        try:
            with contextlib.closing(open_records(options.data)) as records:
                put_token(records, options.token)
        except StoreError as error:
            raise ConfigError(f"--data {options.data}: {error}") from error
        yield Backend(settings, overrides)
        return
    from mailscribe_local.stack.moto import moto_stack  # noqa: PLC0415 - moto and boto3 take seconds to import

    with moto_stack(options.token, say) as stack:
        yield Backend(settings_table.load(os.environ, **overrides), overrides, stack.queue_url)


def local_settings(options: Options, environ: dict[str, str]) -> dict[str, Any]:
    """The overrides of the local stack; a variable in the environment wins over each that was not asked for."""
    local: dict[str, Any] = {
        "domains": ("*",),
        "line_ends": "store",
        "hosts": _hosts(options.http),
        "listen": (),
        "health_listen": "",
        "auth": "any" if options.is_for_this_machine else "off",
        "disclosure": "all",
        "classic": True,
        "keep_refused": True,
        "mailless_per_minute": 0,
        "delete_limit": 0,
    }
    given = {name: value for name, value in local.items() if settings_table.env_name(name) not in environ}
    return given | _asked(options)


def _asked(options: Options) -> dict[str, Any]:
    """What the command line says, which wins over the environment."""
    asked: dict[str, Any] = {
        name: value
        for name, value in (("auth", options.auth), ("directory", options.directory), ("rules", options.rules))
        if value
    }
    if options.tls == SELF_SIGNED:
        asked["tls_cert"], asked["tls_key"] = map(str, self_signed(options.data / "tls"))
    elif options.tls:
        asked["tls_cert"], asked["tls_key"] = options.tls.split(",")
    if options.smtps is not None:
        asked["listen"] = (f"{options.smtps}/open-tls",)
    return asked


def open_objects(data: Path) -> FileObjects:
    """The embedded objects of a data folder."""
    return FileObjects(data / "objects")


def open_records(data: Path, *, deferred: bool = False) -> SqliteRecords:
    """The embedded records of a data folder; `deferred`: durable when synced, for the worker."""
    return SqliteRecords(data / RECORDS_FILE, deferred=deferred)


def _hosts(http: Address) -> tuple[str, ...]:
    return ("localhost", "127.0.0.1", "::1", http.host) if http.is_loopback else ("*",)
