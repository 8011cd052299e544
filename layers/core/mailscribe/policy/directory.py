"""Who is here: domains, mailboxes, aliases and lists, and who may ask (RFC 5321 §3.5, §7.3).

Immutable and without I/O. A domain that lists nobody takes every address; `*` is every domain.
"""

from enum import Enum, StrEnum, auto
from typing import Self

from msgspec import Struct

from mailscribe.records import DeliveredTo


class Disclosure(StrEnum):
    """Who is told by VRFY and EXPN who is here."""

    NONE = "none"
    AUTHENTICATED = "authenticated"
    ALL = "all"


class Standing(Enum):
    """What a forward-path is to us."""

    OURS = auto()
    UNKNOWN = auto()
    NOT_OURS = auto()


class Mailbox(Struct, frozen=True):
    """An address and its full name."""

    email: str
    name: str = ""


class Verified(Struct, frozen=True):
    """VRFY found one."""

    mailbox: Mailbox


class Ambiguous(Struct, frozen=True):
    """VRFY found several."""

    mailboxes: tuple[Mailbox, ...]


class Unknown(Struct, frozen=True):
    """VRFY found none, and there is none."""


class Unverifiable(Struct, frozen=True):
    """VRFY found none, and yet there may be one."""


type Verification = Verified | Ambiguous | Unknown | Unverifiable


class Directory:
    """See the module."""

    __slots__ = ("_domains", "disclosure")

    def __init__(self, domains: frozenset[str], disclosure: Disclosure = Disclosure.NONE) -> None:
        self._domains = domains
        self.disclosure = disclosure

    @classmethod
    def of_domains(cls, domains: tuple[str, ...], disclosure: Disclosure = Disclosure.NONE) -> Self:
        """A directory that knows domains only."""
        return cls(frozenset(domain.lower() for domain in domains), disclosure)

    def standing(self, local: str, domain: str) -> Standing:
        """What an address is to us: plain local part, domain in lower case."""
        if (local, domain) == ("postmaster", "") or "*" in self._domains or domain in self._domains:
            return Standing.OURS
        return Standing.NOT_OURS

    def expand(self, local: str, domain: str, email: str) -> tuple[DeliveredTo, ...]:  # noqa: ARG002 - no aliases yet
        """Who gets mail for an address."""
        return (DeliveredTo(email=email),)

    def verify(self, text: str) -> Verification:  # noqa: ARG002 - nobody is listed yet
        """Whom a name, local part or address is."""
        return Unverifiable()

    def members(self, text: str) -> tuple[Mailbox, ...] | None:  # noqa: ARG002 - no lists yet
        """The members of a list; None when there is no such list."""
        return None

    def max_size(self, domain: str) -> int | None:  # noqa: ARG002 - no limits yet
        """Octets that a message to a domain may have, where it has a limit of its own."""
        return None
