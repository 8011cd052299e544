"""Received fields (RFC 5321 §4.4): clauses and date, from any mailer that ever wrote one.

Clauses may stand in any order and be missing; comments are left out; a trailing dot of a host goes. Linear.
"""

from itertools import product

from mailscribe.message.comment import without_comments
from mailscribe.message.date import parse_date
from mailscribe.message.model import Received

# RFC 5321 §4.4: From-domain By-domain [Via] [With] [ID] [For] ; `mail` and `on` end a clause in older forms
_CLAUSES = ("from", "by", "via", "with", "id", "for")
# every spelling of their names: most words are looked up as they stand
_SPELLINGS = {"".join(letters): name for name in _CLAUSES for letters in product(*zip(name, name.upper(), strict=True))}


def parse_received(text: str) -> Received:
    """Read an unfolded value.

    >>> parse_received("by sun.tuc.test.org. (4.1/SMI-4.1) id AA01301; Tue, 21 May 98 11:37:22 MST").by
    'sun.tuc.test.org'
    """
    head, semicolon, tail = text.rpartition(";")
    if not semicolon:
        head, tail = text, ""
    found: dict[str, str] = {}
    clause = ""
    for word in without_comments(head).split():
        name = _SPELLINGS.get(word)
        if name is not None and name not in found:
            clause = name
            found[clause] = ""
        elif clause and not found[clause]:
            found[clause] = word
    return Received(
        from_=_host(found.get("from")),
        by=_host(found.get("by")),
        with_=found.get("with") or None,
        id=_bare(found.get("id")),
        for_=_bare(found.get("for")),
        date=parse_date(tail) if tail else None,
    )


def _host(word: str | None) -> str | None:
    return word.rstrip(".;,") or None if word else None


def _bare(word: str | None) -> str | None:
    return word.strip("<>;,") or None if word else None
