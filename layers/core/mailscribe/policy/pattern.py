"""Patterns of addresses and of clients, as rules and scopes write them.

`*` is everybody, `*@domain` a domain, `user@domain` one mailbox, `<>` the null sender. Case does not count: a rule that
is meant for Mable is meant for mable. A client is an address or a network in CIDR notation, v4 or v6.
"""

import ipaddress
import re
from typing import Final, Self

from msgspec import Struct

from mailscribe.errors import ConfigError

NULL: Final = "<>"
_PATTERN: Final = re.compile(r"(?P<local>\*|[^\s@*<>]{1,64})@(?P<domain>[^\s@*<>]{1,255})")


class AddressPattern(Struct, frozen=True):
    """Matches addresses; `local` and `domain` are empty for `*`, `local` is `*` for a whole domain."""

    text: str
    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ConfigError`.

        >>> AddressPattern.parse("*@Example.org").matches("bob@example.ORG")
        True
        """
        if text in ("*", NULL):
            return cls(text, "", "")
        found = _PATTERN.fullmatch(text.lower())
        if found is None:
            raise ConfigError(f"{text!r} is no pattern: * or *@domain or user@domain or <>")
        return cls(text, found["local"], found["domain"])

    def matches(self, email: str) -> bool:
        """Whether an address is meant; the null sender is the empty one."""
        if not self.domain:
            return self.text == "*" or not email
        local, _, domain = email.lower().rpartition("@")
        return domain == self.domain and self.local in ("*", local)


class SourcePattern(Struct, frozen=True):
    """Matches the addresses of clients."""

    text: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ConfigError`.

        >>> SourcePattern.parse("192.0.2.0/24").matches("192.0.2.7")
        True
        """
        try:
            return cls(text, ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ConfigError(f"{text!r} is neither an IP address nor a network such as 192.0.2.0/24") from None

    def matches(self, ip: str) -> bool:
        """Whether a client is meant; a v4 address that came as ::ffff:a.b.c.d is the v4 address."""
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address in self.network
