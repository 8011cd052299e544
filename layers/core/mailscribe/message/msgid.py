"""Message identifiers (RFC 5322 §3.6.4) in Message-ID, In-Reply-To, References and Content-ID.

What stands in angle brackets is an identifier, whatever else surrounds it (old phrases, commas, comments); where
there are no brackets, words with an `@` are. White space inside goes. Linear.
"""

import re

# msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]
_BRACKETED = re.compile(r"<([^<>]+)>?")


def message_ids(text: str) -> tuple[str, ...]:
    """All identifiers of an unfolded value, without their brackets.

    >>> message_ids("Your message of Monday <a@b> <c@d>"), message_ids("a@b")
    (('a@b', 'c@d'), ('a@b',))
    """
    ids = tuple([identifier for inside in _BRACKETED.findall(text) if (identifier := "".join(inside.split()))])
    return ids or tuple(word.strip("<>,;") for word in text.split() if "@" in word.strip("<>,;@"))


def content_id(text: str) -> str | None:
    """The identifier of a Content-ID (RFC 2045 §7), which need not have an `@` or brackets.

    >>> content_id(" <part1> "), content_id("part1")
    ('part1', 'part1')
    """
    inside = _BRACKETED.search(text)
    return "".join((inside[1] if inside else text).split()).strip("<>") or None
