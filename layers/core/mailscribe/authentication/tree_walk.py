"""The DNS tree walk (RFC 9989 §4.10): which domain answers for a name, and where its policy stands.

From a name upwards to its last label, a record at each `_dmarc`, at most eight questions for a name: one of more than
eight labels goes from itself to its last seven. No list of public suffixes is needed, and none can be out of date.
What was asked is kept for the check of one message.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from mailscribe.authentication.dmarc_record import DmarcRecord, find_record
from mailscribe.authentication.dns import Resolver
from mailscribe.authentication.limits import Limits


class TooManyLookups(Exception):
    """A check would have to ask more than its limit."""


class Walk(NamedTuple):
    """What a walk found: the organizational domain of its start, and the record in force there, with its domain."""

    organization: str
    policy_domain: str
    record: DmarcRecord | None


@dataclass(slots=True)
class TreeWalker:
    """Walks for one message; a name is asked for once."""

    resolver: Resolver
    limits: Limits
    _records: dict[str, DmarcRecord | None] = field(default_factory=dict)

    def walk(self, start: str) -> Walk:
        """Walk up from a name in A-labels; raises `DnsFailure` and `TooManyLookups`."""
        found: dict[str, DmarcRecord] = {}
        for name in self._targets(start):
            record = self._record(name)
            if record is not None:
                found[name] = record
                if record.suffix == "n" or (record.suffix == "y" and name != start):
                    break
        organization, suffix = _organization(start, found)
        policy_domain = next((name for name in (start, organization, suffix) if name in found), organization)
        return Walk(organization, policy_domain, found.get(policy_domain))

    def _targets(self, start: str) -> list[str]:
        """The names that are asked about, longest first (§4.10 steps 1, 4, 5 and 8)."""
        labels = start.split(".")
        first = 1 if len(labels) < self.limits.tree_walk else len(labels) - self.limits.tree_walk + 1
        return [start, *(".".join(labels[at:]) for at in range(first, len(labels)))]

    def _record(self, name: str) -> DmarcRecord | None:
        if name not in self._records:
            if len(self._records) >= self.limits.dmarc_lookups:
                raise TooManyLookups(name)
            self._records[name] = find_record(self.resolver.texts(f"_dmarc.{name}"), self.limits)
        return self._records[name]


def _organization(start: str, found: dict[str, DmarcRecord]) -> tuple[str, str]:
    """The organizational domain, and the public suffix that decided it or the same again (§4.10.2).

    `found` is in the order of the walk, longest first.
    """
    for name, record in found.items():
        if record.suffix == "n":
            return name, name
        if record.suffix == "y" and name != start:
            labels = start.split(".")
            return ".".join(labels[-len(name.split(".")) - 1 :]), name
    last = next(reversed(found), start)
    return last, last
