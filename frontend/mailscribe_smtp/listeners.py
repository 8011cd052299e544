"""Listeners and their profiles: HOST:PORT[/PROFILE][+proxy].

`mx` is port 25: STARTTLS where there is a certificate, no AUTH. `submission` is 587: STARTTLS, and AUTH under it, both
required. `submissions` is 465: the same, TLS first. `open` and
`open-tls` are for software under test: AUTH in clear or TLS first, and nothing required.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import structs

from mailscribe.errors import ConfigError
from mailscribe.settings import Settings
from mailscribe.smtp import Service

PROFILES: Final[dict[str, Service]] = {
    "mx": Service(name="mx", starttls=True),
    "submission": Service(name="submission", starttls=True, tls_required=True, auth=True, auth_required=True),
    "submissions": Service(name="submissions", implicit_tls=True, auth=True, auth_required=True),
    "open": Service(name="open", starttls=True, auth=True, auth_in_clear=True),
    "open-tls": Service(name="open-tls", implicit_tls=True, auth=True),
}


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen, as what, and whether connections come by a proxy."""

    host: str
    port: int
    profile: str = "mx"
    proxy: bool = False


def parse_listener(text: str) -> Listener:
    """Raises `ConfigError`.

    >>> parse_listener("[::]:2465/submissions+proxy")
    Listener(host='::', port=2465, profile='submissions', proxy=True)
    """
    address, plus, option = text.partition("+")
    if plus and option != "proxy":
        raise ConfigError(f"{text!r}: after + there is proxy, and nothing else")
    place, slash, profile = address.partition("/")
    profile = profile if slash else "mx"
    if profile not in PROFILES:
        raise ConfigError(f"{text!r}: profile {profile!r}; there are {', '.join(PROFILES)}")
    host, port = parse_address(place)
    return Listener(host, port, profile, bool(plus))


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT; the host may be in brackets. Raises `ConfigError`.

    >>> parse_address("[::1]:2525")
    ('::1', 2525)
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"{text!r}: not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def service_of(listener: Listener, settings: Settings, *, has_tls: bool, has_users: bool) -> Service:
    """What the listener offers, with what there is. Raises `ConfigError` when it needs what is not there."""
    service = PROFILES[listener.profile]
    if not has_tls and (service.implicit_tls or service.tls_required):
        raise ConfigError(
            f"listener {listener.profile} needs a certificate: MAILSCRIBE_TLS_CERT and MAILSCRIBE_TLS_KEY"
        )
    if not has_users and service.auth_required:
        raise ConfigError(f"listener {listener.profile} needs credentials: MAILSCRIBE_AUTH")
    return structs.replace(
        service,
        starttls=service.starttls and has_tls,
        auth=service.auth and has_users,
        classic=settings.classic,
        keep_refused=settings.keep_refused,
    )
