"""What `mailscribe up` was asked for, checked: addresses, data folder, backend, token.

Everything that cannot be used is a `ConfigError` with the option's name. Nothing is opened here.
"""

import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mailscribe.errors import ConfigError

FIXED_TOKEN: Final = "local"  # noqa: S105 - the documented token of loopback binds
SELF_SIGNED: Final = "self-signed"
_LEAST_TOKEN: Final = 20


@dataclass(frozen=True, slots=True)
class Address:
    """A host and TCP port to listen on; port 0 picks a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options in force."""

    smtp: Address
    http: Address
    data: Path
    backend: Literal["embedded", "moto"]
    token: str
    auth: str = ""
    """`any`, `off` or a file of credentials; empty: `any` when all SMTP addresses are loopback, else `off`."""
    tls: str = ""
    """`self-signed`, or certificate and key as CERT,KEY; empty: none."""
    smtps: Address | None = None
    directory: str = ""
    rules: str = ""

    @property
    def is_for_this_machine(self) -> bool:
        """Whether nobody else can send mail."""
        return self.smtp.is_loopback and (self.smtps is None or self.smtps.is_loopback)

    def __post_init__(self) -> None:
        """Raises `ConfigError` for what does not fit together."""
        if self.smtps is not None and not self.tls:
            raise ConfigError("--smtps needs a certificate: --tls")
        for address in (self.smtp, self.smtps):
            if self.auth == "any" and address is not None and not address.is_loopback:
                raise ConfigError(
                    f"--auth any: {address} can be reached from other machines; give a file of credentials"
                )
        if self.tls and self.tls != SELF_SIGNED and self.tls.count(",") != 1:
            raise ConfigError(f"--tls {self.tls}: self-signed, or CERT,KEY")


def parse_address(option: str, text: str) -> Address:
    """`HOST:PORT`, `[V6]:PORT` or `:PORT` (loopback).

    >>> parse_address("--smtp", "127.0.0.1:1025")
    Address(host='127.0.0.1', port=1025)
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"{option} {text}: not HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    return Address(host or "127.0.0.1", int(port))


def choose_token(given: str | None, http: Address) -> str:
    """The API token: the fixed one on loopback, a random one elsewhere, or the one given."""
    if given is None:
        return FIXED_TOKEN if http.is_loopback else new_token()
    if not http.is_loopback and len(given) < _LEAST_TOKEN:
        raise ConfigError(
            f"--token: {http} can be reached from other machines; give at least {_LEAST_TOKEN} characters"
            " or leave the option out and one is made"
        )
    from mailscribe.service.tokens import TOKEN  # noqa: PLC0415 - `send` parses addresses without it

    if not TOKEN.fullmatch(given):
        raise ConfigError("--token: letters, digits and - . _ ~ + /, at most 256, = at the end only")
    return given


def new_token() -> str:
    """`ms_` and 256 random bits."""
    return f"ms_{secrets.token_urlsafe(32)}"
