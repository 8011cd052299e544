"""Exact tags: facts of a document as single tokens, `from.domain:example.com`, in the index's `tags` column.

Punctuation is translated to private-use code points (U+E000 + ASCII), so stock `unicode61` keeps a tag whole and a
prefix of a tag is a prefix of its token. Tags fold case, never accents; other characters than ASCII are written as
U+E0FF and six hexadecimal digits. A tag longer than `LONGEST` is replaced by its hash.
Document and planner make every tag through this file, so they cannot disagree.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from mailscribe.query.words import tokens
from mailscribe.records.mailbox import canonical, canonical_domain

LONGEST: Final = 300
LABELS: Final = 16
"""Parent domains of one address that are tags; a deeper one is found by its last 16 labels, or exactly."""

_PRIVATE: Final = 0xE000
_OTHER: Final = "\ue0ff"
_HASHED: Final = "\ue0fd"
_ASCII: Final = {code: chr(code) if chr(code).isalnum() else chr(_PRIVATE + code) for code in range(128)}


def tag(name: str, value: str) -> str:
    """The token for `name:value`.

    >>> tag("from", "A@x.org")
    'from\\ue03aa\\ue040x\\ue02eorg'
    """
    text = unicodedata.normalize("NFC", f"{name}:{value}".casefold())
    if len(text) > LONGEST:
        return tag_prefix(name, "") + _HASHED + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return _encode(text)


def tag_prefix(name: str, value: str) -> str:
    """What the tokens of `name:value…` begin with."""
    return _encode(unicodedata.normalize("NFC", f"{name}:{value}".casefold())[:LONGEST])


def address_tags(field: str, email: str) -> Iterator[str]:
    """Tags by which an address in `field` is found: itself, its local part, its domain, the domains above."""
    yield tag(field, canonical(email))
    if not email:
        return
    local, at, domain = email.rpartition("@")
    if not at or local:
        yield tag(f"{field}.local", local or domain)
    if at and domain:
        yield from domain_tags(field, domain)


def domain_tags(field: str, domain: str) -> Iterator[str]:
    """Tags by which a host or domain in `field` is found: exactly, and under each domain above."""
    name = canonical_domain(domain)
    yield tag(f"{field}.domain", name)
    labels = name.split(".")
    for start in range(max(0, len(labels) - LABELS), len(labels)):
        yield tag(f"{field}.under", ".".join(labels[start:]))


def word_tags(field: str, text: str) -> tuple[str, ...]:
    """The words of a text in `field`, in order; they are told apart by their first 300 characters."""
    start, room = tag_prefix(field, ""), LONGEST - len(field) - 1
    return tuple(start + (word[:room] if word.isascii() else _encode(word[:room])) for word in tokens(text))


def ip_tag(ip: str) -> str | None:
    """The tag of an address in hexadecimal nibbles, so that a network is a prefix; None when it is no address."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    return tag(*_nibbles(plain_address(address)))


def ip_prefixes(network: IPv4Network | IPv6Network) -> Iterator[str]:
    """The tag prefixes (at most eight) whose union is the network."""
    missing = -network.prefixlen % 4
    step = 1 << (network.max_prefixlen - network.prefixlen - missing)
    for part in range(1 << missing):
        name, value = _nibbles(network.network_address + part * step)
        yield tag_prefix(name, value[: (network.prefixlen + missing) // 4])


def plain_address(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address that came in IPv6's clothes (`::ffff:192.0.2.1`) as itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _nibbles(address: IPv4Address | IPv6Address) -> tuple[str, str]:
    return f"ip{address.version}", address.packed.hex()


def _encode(text: str) -> str:
    if text.isascii():
        return text.translate(_ASCII)
    return "".join(_ASCII[ord(char)] if char.isascii() else f"{_OTHER}{ord(char):06x}" for char in text)


EVERY: Final = tag("all", "documents")
"""The tag that every document bears: NOT needs something to take away from."""
