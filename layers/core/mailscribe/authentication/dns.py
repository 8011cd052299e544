"""The port to the domain name system: what a check asks, and the three ways in which there is no answer.

A check never sees a socket. Names are given without a final dot, in A-labels; case does not count. An adapter
bounds the time of a query; how many there may be is the business of the check (RFC 7208 §4.6.4).
"""

from typing import Literal, Protocol

Kind = Literal["A", "AAAA", "MX", "PTR", "TXT"]


class DnsFailure(Exception):
    """No answer now: time-out, SERVFAIL, refused. A later try may have one (`temperror`)."""


class Resolver(Protocol):
    """Asks the domain name system."""

    def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> tuple[str, ...]:
        """The addresses of a name as text. Empty: the name is not there or has none. Raises `DnsFailure`."""
        ...

    def exchangers(self, name: str) -> tuple[tuple[int, str], ...]:
        """Preference and host of each MX record, lowest preference first. Empty: none. Raises `DnsFailure`."""
        ...

    def pointers(self, address: str) -> tuple[str, ...]:
        """The names that PTR records give an address. Empty: none. Raises `DnsFailure`."""
        ...

    def texts(self, name: str) -> tuple[bytes, ...]:
        """Each TXT record, its strings joined (RFC 7208 §3.3). Empty: none. Raises `DnsFailure`."""
        ...
