"""Whose mail a token may see: recipient patterns, and the one question whether they cover an address.

A pattern is `*` (everything, mail without an envelope too), `*@domain` (exactly that domain, not those below it) or
`user@domain`. Addresses are compared as search compares them: without regard to case, domains in their Unicode form.
What is no pattern covers nothing, and no pattern covers the null path or an address without a domain.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailscribe.records.mailbox import folded

MAX_PATTERNS: Final = 100
"""Patterns of one token: each is asked of the index with every query."""
MAX_PATTERN: Final = 320
"""Characters of a pattern: a local part of 64, an @ and a domain of 255 (RFC 5321 §4.5.3.1)."""

_ANY: Final = "*"
_PATTERN: Final = re.compile(r'(?:\*|[^\s*@<>,;"\x00-\x1f\x7f]+|"[^"\\\x00-\x1f\x7f]+")@[^\s*@<>,;"\x00-\x1f\x7f]+')
"""A local part (RFC 5321 §4.1.2, without `*`, `@` or quoted pairs) or `*`, and a domain or an address literal."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Recipients that are covered: whole addresses and whole domains, spelled as they are compared.

    >>> Scope.of(["*@example.com", "bob@example.org"]).covers("Bob@Example.ORG")
    True
    >>> Scope.of(["*@example.com"]).covers("bob@mail.example.com")
    False
    """

    everything: bool = False
    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Scope":
        """The scope of a token's patterns; of none, nothing is covered."""
        wanted = {folded(pattern) for pattern in patterns if pattern == _ANY or _is_pattern(pattern)}
        if _ANY in wanted:
            return EVERYTHING
        domains = frozenset(each.removeprefix("*@") for each in wanted if each.startswith("*@"))
        return cls(False, frozenset(each for each in wanted if not each.startswith("*@")), domains)

    def covers(self, email: str) -> bool:
        """Whether a recipient is in scope."""
        if self.everything:
            return True
        spelled = folded(email)
        _, at, domain = spelled.rpartition("@")
        return bool(at) and (domain in self.domains or spelled in self.addresses)

    @property
    def name(self) -> str:
        """A text that two scopes have in common only if they cover the same."""
        return (
            _ANY if self.everything else "\n".join(sorted((*self.addresses, *(f"*@{each}" for each in self.domains))))
        )


EVERYTHING: Final = Scope(everything=True)
"""The scope of a token that is not bound to recipients."""


def read_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """A token's patterns, each as it was first given and once however it is spelled.

    Raises `ValueError` for none, too many, and what is no pattern; its text is for whoever gave them.
    """
    given = tuple(patterns)
    if not given:
        raise ValueError("no recipients: give *, *@domain or user@domain")
    if len(given) > MAX_PATTERNS:
        raise ValueError(f"more than {MAX_PATTERNS} recipients")
    for each in given:
        if each != _ANY and not _is_pattern(each):
            raise ValueError(f"{each[:MAX_PATTERN]!r} is not *, *@domain or user@domain")
    first: dict[str, str] = {}
    for each in given:
        first.setdefault(folded(each), each)
    return tuple(first.values())


def _is_pattern(text: str) -> bool:
    return len(text) <= MAX_PATTERN and _PATTERN.fullmatch(text) is not None and not text.endswith(("@.", ".."))
