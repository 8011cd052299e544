"""Patterns of addresses and of clients, as rules and scopes write them.

`*` is everybody, `*@domain` a domain, `user@domain` one mailbox, `<>` the null sender. How an address is spelled does
not count (see `spelling`): a rule that is meant for mable is meant for MABLE and for "mable". A client is an address or
a network in CIDR notation, v4 or v6; a v4 address is the same when it came over v6 (::ffff:a.b.c.d).
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final, Self

from msgspec import Struct

from mailscribe.errors import ConfigError
from mailscribe.policy.spelling import plain_address

NULL: Final = "<>"
_SHOWN: Final = 80
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
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
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ConfigError(f"{_shown(text)} is no pattern: * or *@domain or user@domain or <>")
        local, _, domain = plain_address(text).rpartition("@")
        return cls(text, local, domain)

    def matches(self, email: str) -> bool:
        """Whether an address is meant; the null sender is the empty one."""
        if not self.domain:
            return self.text == "*" or not email
        local, _, domain = plain_address(email).rpartition("@")
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
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(f"{_shown(text)} is neither an IP address nor a network such as 192.0.2.0/24") from None
        if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
            network = ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        return cls(text, network)

    def matches(self, ip: str) -> bool:
        """Whether a client is meant; what is no IP address is nobody's."""
        address = _client(ip)
        return address is not None and address in self.network


@lru_cache(maxsize=1024)
def _client(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
