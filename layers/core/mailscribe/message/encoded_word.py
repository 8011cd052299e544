"""Encoded words (RFC 2047) in header text, in every broken form that is sent.

Decoded wherever they stand, inside other words and quoted strings too; with spaces or `?` in the text; with a
language (RFC 2231 §5); with a character, or a base64 quantum, split over two words of one charset. White space
between two encoded words goes. What is no encoded word stays as it is; control characters that an encoded
word spells are dropped (RFC 8621 §4.1.2.2). Linear in the length of the text.
"""

import re
from binascii import a2b_qp
from typing import NamedTuple

from mailscribe.message.charset import decode
from mailscribe.message.transfer import decode_base64

_CAST = dict.fromkeys((*range(32), 127))

# RFC 2047 §2: encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
_PREFIX = re.compile(r"=\?([^?\s=]+)\?([bBqQ])\?")
_BLANK = re.compile(r"\s*")


class _Word(NamedTuple):
    """An encoded word as it stands in the text."""

    charset: str
    is_base64: bool
    text: str


def decode_words(text: str) -> str:
    """The text with its encoded words decoded.

    >>> decode_words("=?utf-8?q?gr=C3?= =?utf-8?q?=BCn?= is green")
    'grün is green'
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    run: list[_Word] = []
    at = 0
    for start, end, word in _words(text):
        between = text[at:start]
        if not run or (not between.isspace() and between):
            pieces.append(_decode_run(run))
            pieces.append(between)
            run = []
        run.append(word)
        at = end
    pieces.append(_decode_run(run))
    pieces.append(text[at:])
    return "".join(pieces)


def _words(text: str) -> "list[tuple[int, int, _Word]]":
    """Start, end and content of each encoded word; a prefix whose text holds another prefix is none."""
    words = []
    close = -1
    prefixes = list(_PREFIX.finditer(text))
    limits = [prefix.start() for prefix in prefixes]
    limits.append(len(text))
    for prefix, limit in zip(prefixes, limits[1:], strict=True):
        start = prefix.end()
        if close < start:
            close = text.find("?=", start)
            if close < 0:
                break
        if close >= limit:
            continue
        charset = prefix[1].partition("*")[0]
        words.append((prefix.start(), close + 2, _Word(charset, prefix[2] in "bB", text[start:close])))
    return words


def _decode_run(run: list[_Word]) -> str:
    """Words that only white space parts: those of one charset are one string of octets."""
    text: list[str] = []
    octets: list[bytes] = []
    pending = ""
    for at, word in enumerate(run):
        following = run[at + 1] if at + 1 < len(run) else None
        is_same = following is not None and following.charset.lower() == word.charset.lower()
        if word.is_base64:
            pending += word.text
            if is_same and following is not None and following.is_base64 and _is_cut(pending):
                continue
            octets.append(decode_base64(pending.encode())[0])
            pending = ""
        else:
            octets.append(a2b_qp(word.text.encode(), header=True))
        if not is_same:
            text.append(decode(b"".join(octets), word.charset).text.translate(_CAST))
            octets = []
    return "".join(text)


def _is_cut(base64: str) -> bool:
    return not base64.endswith("=") and len(base64) % 4 != 0
