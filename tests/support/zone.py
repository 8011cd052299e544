"""A domain name system of our own: what it holds is given, and it remembers what was asked."""

from dataclasses import dataclass, field
from typing import Literal

from mailscribe.authentication.dns import DnsFailure


@dataclass(slots=True)
class Zone:
    """Answers from these records; names in `broken` have no answer now."""

    txt: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mail: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> tuple[str, ...]:
        self._ask(name)
        return tuple(address for address in self.hosts.get(name, ()) if (":" in address) == (kind == "AAAA"))

    def exchangers(self, name: str) -> tuple[tuple[int, str], ...]:
        self._ask(name)
        return self.mail.get(name, ())

    def pointers(self, address: str) -> tuple[str, ...]:
        self._ask(address)
        return ()

    def texts(self, name: str) -> tuple[bytes, ...]:
        self._ask(name)
        return self.txt.get(name, ())

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if name in self.broken:
            raise DnsFailure(name)
