"""Who is here: domains, mailboxes, aliases and lists, and who may ask (RFC 5321 §3.5, §7.3).

Immutable and without I/O. A domain that lists nobody takes every address; `*` is every domain. How an address is
spelled does not count here (see `spelling`), whatever the client writes is kept. Aliases and lists are expanded to the
end, each address once. Whoever asks by VRFY or EXPN is answered from an index, made when the first one asks.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum, auto
from typing import Final, Self

from msgspec import Struct

from mailscribe.policy.names import MAX_FOUND, Names
from mailscribe.policy.spelling import address_key, plain_address, plain_domain
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
    """VRFY found several; the first few."""

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
    """See the module. Mailboxes; by address, what an alias stands for, and lists; by name, domains."""

    __slots__ = ("_aliases", "_domains", "_list_names", "_lists", "_mailboxes", "_names", "disclosure")

    def __init__(
        self,
        domains: Mapping[str, Domain],
        *,
        mailboxes: Iterable[Mailbox] = (),
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        lists: Mapping[str, MailingList] | None = None,
        disclosure: Disclosure = Disclosure.NONE,
    ) -> None:
        self._domains = {plain_domain(name): domain for name, domain in domains.items()}
        self._mailboxes = {plain_address(mailbox.email): mailbox for mailbox in mailboxes}
        self._aliases = {plain_address(address): targets for address, targets in (aliases or {}).items()}
        self._lists = {plain_address(address): each for address, each in (lists or {}).items()}
        self._names: Names[Mailbox] | None = None
        self._list_names: Names[str] | None = None
        self.disclosure = disclosure

    @classmethod
    def of_domains(cls, domains: tuple[str, ...], disclosure: Disclosure = Disclosure.NONE) -> Self:
        """A directory that knows domains only."""
        return cls({domain: Domain() for domain in domains}, disclosure=disclosure)

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
        start = address_key(local, domain)
        found: dict[str, DeliveredTo] = {}
        seen: set[str] = set()
        waiting = deque([email])
        while waiting and len(found) < MAX_EXPANDED:
            written = waiting.popleft()
            key = plain_address(written) if seen else start
            if key in seen:
                continue
            seen.add(key)
            targets = self._targets(key)
            if targets is None:
                found[key] = DeliveredTo(email=email) if key == start else DeliveredTo(email=written, via=email)
            else:
                waiting += targets
        return tuple(found.values())

    def verify(self, text: str) -> Verification:
        """Whom a full name or part of it, a local part, an address or `<address>` is."""
        wanted = text.strip()
        if wanted.endswith(">") and "<" in wanted:
            wanted = wanted[wanted.rindex("<") + 1 : -1]
        if "@" in wanted:
            return self._verify_address(wanted)
        if self._names is None:
            self._names = self._index()
        found = self._names.find(wanted.strip('"'))
        if len(found) == 1:
            return Verified(found[0])
        if found:
            return Ambiguous(tuple(found))
        unlisted = any(domain.takes_unlisted for domain in self._domains.values())
        return Unverifiable() if unlisted and " " not in wanted else Unknown()

    def members(self, text: str) -> tuple[Mailbox, ...] | None:
        """The members of a list named by address, local part or full name; None when there is no such list."""
        wanted = text.strip().removeprefix("<").removesuffix(">").strip('"')
        if "@" in wanted:
            keys = [plain_address(wanted)]
        else:
            if self._list_names is None:
                self._list_names = self._list_index()
            keys = self._list_names.find(wanted)
        if len(keys) != 1 or keys[0] not in self._lists:
            return None
        return tuple([self._named(mailbox) for mailbox in self._lists[keys[0]].members])

    def max_size(self, domain: str) -> int | None:
        """Octets that a message to a domain may have, where it has a limit of its own."""
        found = self._domain(domain)
        return found.max_size if found else None

    def _standing_by_name(self, local: str, domain: str, found: Domain | None) -> Standing:
        if local.lower() == "postmaster" and (found is not None or not domain):
            return Standing.OURS
        if found is None:
            return Standing.NOT_OURS
        return Standing.OURS if self._is_listed(address_key(local, domain)) else Standing.UNKNOWN

    def _domain(self, domain: str) -> Domain | None:
        return self._domains.get(domain) or self._domains.get(plain_domain(domain)) or self._domains.get("*")

    def _is_listed(self, key: str) -> bool:
        return key in self._mailboxes or key in self._aliases or key in self._lists

    def _targets(self, key: str) -> tuple[str, ...] | None:
        """The addresses that an alias or list stands for; None for what is neither."""
        if key in self._aliases:
            return self._aliases[key]
        if key in self._lists:
            return tuple([mailbox.email for mailbox in self._lists[key].members])
        return None

    def _verify_address(self, address: str) -> Verification:
        key = plain_address(address)
        if not self._is_listed(key):
            local, _, domain = key.rpartition("@")
            return Unverifiable() if self.standing(local, domain) is Standing.OURS else Unknown()
        found = self._meant(key)
        return Verified(found[0]) if len(found) == 1 else Ambiguous(tuple(found))

    def _meant(self, key: str) -> list[Mailbox]:
        """Whom a listed address is: a mailbox or list itself, an alias the first few of those that it stands for."""
        found: dict[str, Mailbox] = {}
        seen: set[str] = set()
        waiting = deque([key])
        while waiting and len(found) < MAX_FOUND:
            written = waiting.popleft()
            each = plain_address(written)
            if each in seen:
                continue
            seen.add(each)
            if each in self._aliases:
                waiting += self._aliases[each]
            elif each in self._lists:
                found[each] = Mailbox(each, self._lists[each].name)
            else:
                found[each] = self._mailboxes.get(each) or Mailbox(written)
        return list(found.values()) or [Mailbox(key)]

    def _index(self) -> Names[Mailbox]:
        names: Names[Mailbox] = Names()
        for key in (*self._mailboxes, *self._lists, *self._aliases):
            found = self._meant(key)
            full = found[0].name if key not in self._aliases else ""
            names.add(key.rpartition("@")[0], full, found)
        return names

    def _list_index(self) -> Names[str]:
        names: Names[str] = Names()
        for key, each in self._lists.items():
            names.add(key.rpartition("@")[0], each.name, [key])
        return names

    def _named(self, mailbox: Mailbox) -> Mailbox:
        """With the full name that is known of it."""
        return mailbox if mailbox.name else self._mailboxes.get(plain_address(mailbox.email), mailbox)
