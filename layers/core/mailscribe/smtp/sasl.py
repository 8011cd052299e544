"""AUTH exchanges (RFC 4954 §4, RFC 4422): challenges out, responses in, credentials at the end.

A machine per exchange, without I/O: `begin` and `respond` give the next challenge or the credentials, or raise
`Refused`. Whether credentials are right is for the driver. Nothing of a response is ever in an exception or a
representation. Mechanisms are a table; the two here send the password, so they belong under TLS.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from mailscribe.smtp.reply import Refused, ReplyName

MAX_LINE: Final = 12_288
"""Octets of a line of an exchange, CRLF included (RFC 4954 §4.c)."""

_USERNAME: Final = base64.b64encode(b"Username:").decode()
_PASSWORD: Final = base64.b64encode(b"Password:").decode()
_UNSAFE_USER: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")
MAX_USER: Final = 320


class Challenge(Struct, frozen=True):
    """What stands behind 334, in base64 already."""

    text: str


class Credentials(Struct, frozen=True):
    """Who the client says it is, and the proof. The representation has neither."""

    mechanism: str
    user: str
    secret: bytes

    def __repr__(self) -> str:
        """Without the secret, and without the user, who may have typed it there."""
        return f"Credentials({self.mechanism})"


class _Plain:
    """PLAIN (RFC 4616): one response, [authzid] NUL authcid NUL passwd."""

    __slots__ = ()

    def begin(self) -> Challenge:
        return Challenge("")

    def respond(self, response: bytes) -> Credentials:
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise Refused(ReplyName.AUTH_BASE64)
        authzid, authcid, secret = parts
        if authzid not in (b"", authcid):
            raise Refused(ReplyName.AUTH_REJECTED)
        return _credentials("PLAIN", authcid, secret)


class _Login:
    """LOGIN (draft-murchison-sasl-login): user name, then password, each asked for."""

    __slots__ = ("_user",)

    def __init__(self) -> None:
        self._user: bytes | None = None

    def begin(self) -> Challenge:
        return Challenge(_USERNAME)

    def respond(self, response: bytes) -> Challenge | Credentials:
        if self._user is None:
            self._user = response
            return Challenge(_PASSWORD)
        return _credentials("LOGIN", self._user, response)


MECHANISMS: Final[dict[str, Callable[[], _Plain | _Login]]] = {"PLAIN": _Plain, "LOGIN": _Login}


class SaslExchange:
    """One AUTH command from its mechanism to its credentials."""

    __slots__ = ("_mechanism",)

    def __init__(self, mechanism: str) -> None:
        """Raises `Refused` for a mechanism that is not in the table."""
        make = MECHANISMS.get(mechanism.upper())
        if make is None:
            raise Refused(ReplyName.AUTH_MECHANISM)
        self._mechanism = make()

    def begin(self, initial: str | None) -> Challenge | Credentials:
        """Start, with the initial response if there was one; `=` is an empty one. Raises `Refused`."""
        if initial is None:
            return self._mechanism.begin()
        return self._mechanism.respond(_decoded(b"" if initial == "=" else initial.encode()))

    def respond(self, line: bytes) -> Challenge | Credentials:
        """The client's line without CRLF. Raises `Refused`."""
        if line == b"*":
            raise Refused(ReplyName.AUTH_CANCELLED)
        return self._mechanism.respond(_decoded(line))


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(ReplyName.AUTH_BASE64) from None


def _credentials(mechanism: str, user: bytes, secret: bytes) -> Credentials:
    """Refused are names that no transcript could show: they are the client's words, but they are kept and shown."""
    name = user.decode("utf-8", "replace")
    if not name or not secret or len(name) > MAX_USER or _UNSAFE_USER.search(name):
        raise Refused(ReplyName.AUTH_REJECTED)
    return Credentials(mechanism, name, secret)
