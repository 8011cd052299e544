"""How mailboxes and domains are spelled where they are compared: in the index, in scopes.

A domain is folded, in its Unicode form (RFC 5890 U-label) and without a last dot. A local part is kept as it is, quoted
or not (RFC 5321 §2.4); whoever compares without regard to case folds the whole.
"""

import unicodedata
from typing import Final

LABEL_OCTETS: Final = 63
"""RFC 1035 §2.3.4; Punycode of anything longer is not undone, it would take quadratic time."""


def canonical(email: str) -> str:
    """An address as tags spell it: `<>` for the null path, the domain in its Unicode form without a last dot."""
    if not email:
        return "<>"
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{canonical_domain(domain)}" if at else email


def canonical_domain(domain: str) -> str:
    """A domain in Unicode form, folded, without a trailing dot.

    >>> canonical_domain("Mail.XN--MNCHEN-3YA.de.")
    'mail.münchen.de'
    """
    return ".".join(_unicode_label(label) for label in domain.removesuffix(".").split("."))


def folded(email: str) -> str:
    """What two spellings of one mailbox have in common, whatever their case.

    >>> folded("Bob@XN--MNCHEN-3YA.de.")
    'bob@münchen.de'
    """
    return unicodedata.normalize("NFC", canonical(email).casefold())


def _unicode_label(label: str) -> str:
    lower = label.casefold()
    if lower.startswith("xn--") and lower.isascii() and len(lower) <= LABEL_OCTETS:
        try:
            return lower[4:].encode("ascii").decode("punycode").casefold()
        except UnicodeError:
            return lower
    return lower
