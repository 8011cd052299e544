"""Who is here: domains, mailboxes, aliases and lists, and who may ask (RFC 5321 §3.5, §7.3).

Immutable and without I/O. A domain that lists nobody takes every address; `*` is every domain. The local part's case
does not count here, whatever the client writes is kept. Aliases and lists are expanded to the end, each address once.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum, auto
from typing import Final, Self

from msgspec import Struct

from mailscribe.records import DeliveredTo

MAX_EXPANDED: Final = 10_000
"""Addresses that one recipient may stand for."""


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


class Domain(Struct, frozen=True):
    """A domain: whether it takes addresses that nobody listed, and the size of a message to it, if it has its own."""

    takes_unlisted: bool = True
    max_size: int | None = None


class MailingList(Struct, frozen=True):
    """A list: its name, and its members."""

    name: str
    members: tuple[Mailbox, ...]


class Directory:
    """See the module. Keys are addresses and domains in lower case; mailboxes by address, aliases to addresses."""

    __slots__ = ("_aliases", "_domains", "_lists", "_mailboxes", "disclosure")

    def __init__(
        self,
        domains: Mapping[str, Domain],
        *,
        mailboxes: Iterable[Mailbox] = (),
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        lists: Mapping[str, MailingList] | None = None,
        disclosure: Disclosure = Disclosure.NONE,
    ) -> None:
        self._domains = dict(domains)
        self._mailboxes = {mailbox.email.lower(): mailbox for mailbox in mailboxes}
        self._aliases = dict(aliases or {})
        self._lists = dict(lists or {})
        self.disclosure = disclosure

    @classmethod
    def of_domains(cls, domains: tuple[str, ...], disclosure: Disclosure = Disclosure.NONE) -> Self:
        """A directory that knows domains only."""
        return cls({domain.lower(): Domain() for domain in domains}, disclosure=disclosure)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {
            "domains": len(self._domains),
            "mailboxes": len(self._mailboxes),
            "aliases": len(self._aliases),
            "lists": len(self._lists),
        }

    @property
    def has_expansions(self) -> bool:
        """Whether any address stands for another."""
        return bool(self._aliases or self._lists)

    def standing(self, local: str, domain: str) -> Standing:
        """What an address is to us: plain local part, domain in lower case."""
        found = self._domain(domain)
        if found is None or not found.takes_unlisted:
            return self._standing_by_name(local, domain, found)
        return Standing.OURS

    def expand(self, local: str, domain: str, email: str) -> tuple[DeliveredTo, ...]:
        """Who gets mail for an address, each once; `via` is the address where it is not the same."""
        if not self.has_expansions:
            return (DeliveredTo(email=email),)
        found: dict[str, DeliveredTo] = {}
        seen: set[str] = set()
        waiting = [(_key(local, domain), email)]
        while waiting and len(found) < MAX_EXPANDED:
            key, written = waiting.pop(0)
            if key in seen:
                continue
            seen.add(key)
            targets = self._targets(key)
            if targets is None:
                is_same = key == _key(local, domain)
                found[key] = DeliveredTo(email=email) if is_same else DeliveredTo(email=written, via=email)
            else:
                waiting += [(target.lower(), target) for target in targets]
        return tuple(found.values())

    def verify(self, text: str) -> Verification:
        """Whom a full name or part of it, a local part, an address or `<address>` is."""
        wanted = text.strip()
        if wanted.endswith(">") and "<" in wanted:
            wanted = wanted[wanted.rindex("<") + 1 : -1]
        if "@" in wanted:
            return self._verify_address(wanted)
        found = self._find(wanted.strip('"').lower())
        if len(found) == 1:
            return Verified(found[0])
        if found:
            return Ambiguous(tuple(found))
        unlisted = any(domain.takes_unlisted for domain in self._domains.values())
        return Unverifiable() if unlisted and " " not in wanted else Unknown()

    def members(self, text: str) -> tuple[Mailbox, ...] | None:
        """The members of a list named by address, local part or full name; None when there is no such list."""
        wanted = text.strip().removeprefix("<").removesuffix(">").strip('"').lower()
        names = [key for key, each in self._lists.items() if wanted in (key, _local(key), each.name.lower())]
        if len(names) != 1 or not wanted:
            return None
        return tuple(self._named(mailbox) for mailbox in self._lists[names[0]].members)

    def max_size(self, domain: str) -> int | None:
        """Octets that a message to a domain may have, where it has a limit of its own."""
        found = self._domain(domain)
        return found.max_size if found else None

    def _standing_by_name(self, local: str, domain: str, found: Domain | None) -> Standing:
        if local.lower() == "postmaster" and (found is not None or not domain):
            return Standing.OURS
        if found is None:
            return Standing.NOT_OURS
        return Standing.OURS if self._is_listed(_key(local, domain)) else Standing.UNKNOWN

    def _domain(self, domain: str) -> Domain | None:
        return self._domains.get(domain) or self._domains.get("*")

    def _is_listed(self, key: str) -> bool:
        return key in self._mailboxes or key in self._aliases or key in self._lists

    def _targets(self, key: str) -> tuple[str, ...] | None:
        """The addresses that an alias or list stands for; None for what is neither."""
        if key in self._aliases:
            return self._aliases[key]
        if key in self._lists:
            return tuple(mailbox.email for mailbox in self._lists[key].members)
        return None

    def _verify_address(self, address: str) -> Verification:
        local, _, domain = address.rpartition("@")
        key = _key(local, domain.lower())
        if key in self._mailboxes:
            return Verified(self._mailboxes[key])
        if key in self._lists:
            return Verified(Mailbox(key, self._lists[key].name))
        if key in self._aliases:
            boxes = tuple(self._named(Mailbox(each.email)) for each in self.expand(local, domain.lower(), address))
            return Verified(boxes[0]) if len(boxes) == 1 else Ambiguous(boxes)
        return Unverifiable() if self.standing(local, domain.lower()) is Standing.OURS else Unknown()

    def _find(self, wanted: str) -> list[Mailbox]:
        """Those whose local part or full name it is, else those whose alias it is, else by words of the name."""
        if not wanted:
            return []
        listed = [*self._mailboxes.values(), *[Mailbox(key, each.name) for key, each in self._lists.items()]]
        found = [box for box in listed if wanted in (_local(box.email.lower()), box.name.lower())]
        if not found:
            aliased = [targets for key, targets in self._aliases.items() if _local(key) == wanted]
            found = [self._named(Mailbox(target)) for targets in aliased for target in targets]
        if not found:
            words = set(wanted.split())
            found = [box for box in listed if words <= set(box.name.lower().split())]
        return list(dict.fromkeys(found))

    def _named(self, mailbox: Mailbox) -> Mailbox:
        """With the full name that is known of it."""
        return mailbox if mailbox.name else self._mailboxes.get(mailbox.email.lower(), mailbox)


def _key(local: str, domain: str) -> str:
    return f"{local}@{domain}".lower() if domain else local.lower()


def _local(key: str) -> str:
    return key.rpartition("@")[0]
