"""Comments (RFC 5322 §3.2.2): find, read and remove them in one pass, however deep they nest.

A parenthesis without its partner is no comment: it stays in the text.
"""

import re

_MARK = re.compile(r"\\.|[()]", re.DOTALL)
_FLAT = re.compile(r"\([^()\\]*+\)")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def pairs(text: str) -> dict[int, int]:
    """For each opening parenthesis that is closed: the position of the one that closes it.

    >>> pairs("a (b (c)) (d")
    {5: 7, 2: 8}
    """
    closing: dict[int, int] = {}
    unclosed: list[int] = []
    for mark in _MARK.finditer(text):
        if mark[0] == "(":
            unclosed.append(mark.start())
        elif mark[0] == ")" and unclosed:
            closing[unclosed.pop()] = mark.start()
    return closing


def without_comments(text: str) -> str:
    """The text with each comment replaced by a space; quoted strings are not looked at.

    >>> without_comments("Tue, 21 May 98 (MST)")
    'Tue, 21 May 98  '
    """
    if "(" not in text:
        return text
    flat = _FLAT.sub(" ", text)
    if "(" not in flat:
        return flat
    kept: list[str] = []
    at = 0
    closing = pairs(text)
    for start in sorted(closing):
        if start >= at:
            kept.append(text[at:start])
            at = closing[start] + 1
    kept.append(text[at:])
    return " ".join(kept)


def unquote(text: str) -> str:
    """Undo quoted pairs: a backslash makes the next character stand for itself.

    >>> unquote("a\\\\)b")
    'a)b'
    """
    return _QUOTED_PAIR.sub(r"\1", text) if "\\" in text else text
