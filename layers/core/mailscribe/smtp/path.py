"""Reverse-paths and forward-paths (RFC 5321 §4.1.2, limits §4.5.3.1).

Reads a path off the front of an argument and says what is left. Source routes are accepted and ignored
(appendix C). A path without angle brackets is accepted and marked. Controls never get into a `Path`, so it may be
echoed in replies and written into header fields; text outside ASCII (RFC 6531) does, and it is for the caller to
refuse it where SMTPUTF8 was not said.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from mailscribe.smtp.grammar import BRACKETED, CONTROL, MAILBOX, MAILBOX_UTF8, SOURCE_ROUTE, UNBRACKETED
from mailscribe.smtp.reply import Refused, ReplyName

MAX_LOCAL_PART: Final = 64
MAX_DOMAIN: Final = 255
MAX_PATH: Final = 256
POSTMASTER: Final = "postmaster"
REMEMBERED: Final = 512
"""Arguments whose path is known without another look: most mail is from and to few."""
_QUOTED_PAIR: Final = re.compile(r"\\(.)")


class Path(Struct, frozen=True):
    """A mailbox as the client wrote it, without route and brackets; `email` is empty for the null path.

    `identity` is equal for two spellings of one mailbox: quoting undone, domain folded; the case of a local part
    counts (RFC 5321 §2.4), but not that of `Postmaster` (§4.5.1).
    """

    email: str
    identity: tuple[str, str]
    bracketed: bool = True

    @property
    def domain(self) -> str:
        """The domain, in lower case; empty for the null path and for `Postmaster`."""
        return self.identity[1]

    @property
    def is_ascii(self) -> bool:
        """Whether it can be said without SMTPUTF8."""
        return self.email.isascii()


@lru_cache(maxsize=REMEMBERED)
def reverse_path(text: str) -> tuple[Path, str]:
    """The path of MAIL at the front of `text`, and what follows it. Raises `Refused`.

    >>> reverse_path("<@relay.test:mable@test.org> SIZE=9")
    (Path(email='mable@test.org', identity=('mable', 'test.org'), bracketed=True), ' SIZE=9')
    """
    inner, bracketed, rest = _split(text, ReplyName.MAIL_SYNTAX, ReplyName.BAD_SENDER)
    if not inner:
        return Path("", ("", ""), bracketed), rest
    return _mailbox(inner, bracketed, ReplyName.BAD_SENDER), rest


@lru_cache(maxsize=REMEMBERED)
def forward_path(text: str) -> tuple[Path, str]:
    """The path of RCPT at the front of `text`, and what follows it. Raises `Refused`."""
    inner, bracketed, rest = _split(text, ReplyName.RCPT_SYNTAX, ReplyName.BAD_RECIPIENT)
    if inner.lower() == POSTMASTER:
        return Path(inner, (POSTMASTER, ""), bracketed), rest
    return _mailbox(inner, bracketed, ReplyName.BAD_RECIPIENT), rest


def _split(text: str, syntax: ReplyName, bad: ReplyName) -> tuple[str, bool, str]:
    bracketed = text.startswith("<")
    if not text or (found := (BRACKETED if bracketed else UNBRACKETED).match(text)) is None:
        raise Refused(_why(text, bad) if text else syntax)
    return found[1], bracketed, text[found.end() :]


def _why(text: str, bad: ReplyName) -> ReplyName:
    if not text.isascii():
        return ReplyName.NON_ASCII_ADDRESS
    return ReplyName.CONTROL_IN_ARGUMENT if CONTROL.search(text) else bad


def _mailbox(inner: str, bracketed: bool, bad: ReplyName) -> Path:
    if _octets(inner) + 2 > MAX_PATH:
        raise Refused(_why(inner, bad))
    route = SOURCE_ROUTE.match(inner)
    mailbox = inner[route.end() :] if route else inner
    found = (MAILBOX if mailbox.isascii() else MAILBOX_UTF8).fullmatch(mailbox)
    if found is None or not mailbox.isprintable():
        raise Refused(_why(inner, bad))
    local, domain = found["local"], found["domain"]
    if _octets(local) > MAX_LOCAL_PART or _octets(domain) > MAX_DOMAIN or not _is_literal_good(domain):
        raise Refused(bad)
    plain = _QUOTED_PAIR.sub(r"\1", local[1:-1]) if local.startswith('"') else local
    domain = domain.lower()
    if plain.lower() == POSTMASTER:
        plain = POSTMASTER
    return Path(mailbox, (plain, domain), bracketed)


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _is_literal_good(domain: str) -> bool:
    if not domain.startswith("[") or not domain[1:6].lower().startswith("ipv6:"):
        return True
    try:
        ipaddress.IPv6Address(domain[6:-1])
    except ValueError:
        return False
    return True
