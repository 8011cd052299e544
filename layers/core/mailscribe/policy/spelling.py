"""One spelling for what may be written in several: domains, addresses and full names.

Case does not count, nor whether letters are composed (NFC): that depends on whose keyboard it was. A domain is the same
in its A-label form (`xn--…`) and its U-label form (RFC 5890 §2.3.2.1); mail servers send either. A local part is the
same quoted or not (RFC 5321 §4.1.2). A name is compared by its words.
"""

import re
import unicodedata
from typing import Final

_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_WORD: Final = re.compile(r"[^\s,;\"()<>]+")


def plain_domain(domain: str) -> str:
    """The one spelling of a domain; a label that is no A-label, though it begins as one, stays as it is.

    >>> plain_domain("XN--BCHER-KVA.example")
    'bücher.example'
    """
    folded = _folded(domain)
    return ".".join(map(_plain_label, folded.split("."))) if "xn--" in folded else folded


def plain_address(address: str) -> str:
    """The one spelling of an address.

    >>> plain_address('"Bob"@Example.ORG')
    'bob@example.org'
    """
    local, _, domain = address.rpartition("@")
    if local.startswith('"') and local.endswith('"') and len(local) > 1:
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return address_key(local, domain)


def address_key(local: str, domain: str) -> str:
    """The one spelling of an address whose local part has no quotes; without a domain, `Postmaster` alone."""
    return f"{_folded(local)}@{plain_domain(domain)}" if domain else _folded(local)


def words(name: str) -> tuple[str, ...]:
    """The words of a full name, in order.

    >>> words("Merliney, MABLE")
    ('merliney', 'mable')
    """
    return tuple(_WORD.findall(unicodedata.normalize("NFC", name).casefold()))


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.lower())


def _plain_label(label: str) -> str:
    """The U-label of an A-label: outside ASCII, and encoded the same again, so that nothing else is taken for it."""
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        is_whole = (
            decoded.isprintable()
            and not decoded.isascii()
            and _folded(decoded).encode("punycode").decode() == label[4:]
        )
    except UnicodeError:
        return label
    return decoded if is_whole else label
