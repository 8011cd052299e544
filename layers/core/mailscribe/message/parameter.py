"""Structured MIME values: a token and its parameters (RFC 2045 §5.1, RFC 2183 §2), with RFC 2231.

Continuations (`name*0=`, `name*1*=`) are joined in their order up to the first gap, percent octets are decoded in
the charset that the first piece names; an extended value outranks a plain one, else the first of a name counts.
Tolerated: unquoted values with spaces, missing semicolons and quotes, white space round `=`. Encoded words in a
value are decoded only where asked for (`readable`), since a boundary may look like one. Linear.
"""

import re
from typing import NamedTuple

from mailscribe.message.charset import decode
from mailscribe.message.comment import unquote, without_comments
from mailscribe.message.header import readable

# parameter := attribute "=" value ; value := token / quoted-string
_NAME = re.compile(r"[\s;]*+([^\s;=\"]+)\s*+(=?)\s*+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"?', re.DOTALL)
_BARE = re.compile(r"[^;]*+")
_NEXT_PAIR = re.compile(r"\s[^\s;=\"]+\s*=(?!\s*(?:;|\Z))")
_TOKEN = re.compile(r"[^\s;]*+")
# RFC 2231 §3 and §4: attribute ["*" index] ["*"]
_SECTION = re.compile(r"([^*]+)(?:\*(0|[1-9]\d{0,4}))?(\*)?\Z")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class Structured(NamedTuple):
    """A lower-case token and its parameters by lower-case name, values as sent (RFC 2231 undone).

    >>> parse_structured("attachment; filename*=utf-8''gr%C3%BCn.txt").parameters
    {'filename': 'grün.txt'}
    """

    token: str
    parameters: dict[str, str]

    def readable(self, name: str) -> str | None:
        """A parameter for people: encoded words (RFC 2047) decoded as well."""
        value = self.parameters.get(name)
        return None if value is None else readable(value) or None


def parse_structured(text: str) -> Structured:
    """Read an unfolded Content-Type, Content-Disposition or Content-Transfer-Encoding value."""
    if ";" not in text and "=" not in text:
        return Structured(_token(without_comments(text)), {})
    if "(" in text:
        text = _outside_quotes(text)
    token = _TOKEN.match(text.lstrip())
    start = len(text) - len(text.lstrip()) + (token.end() if token else 0)
    return Structured(_token(token[0] if token else ""), _joined(_pairs(text, start)))


def _token(text: str) -> str:
    return text.strip(" \t\"'").lower()


def _outside_quotes(text: str) -> str:
    """Remove comments where no quoted string stands."""
    kept: list[str] = []
    at = 0
    for quoted in _QUOTED.finditer(text):
        kept += (without_comments(text[at : quoted.start()]), quoted[0])
        at = quoted.end()
    return "".join((*kept, without_comments(text[at:])))


def _pairs(text: str, at: int) -> list[tuple[str, str]]:
    """Attributes (lower case) and values in order, quotes undone."""
    pairs: list[tuple[str, str]] = []
    while (name := _NAME.match(text, at)) is not None:
        at = name.end()
        if not name[2]:
            continue
        if (quoted := _QUOTED.match(text, at)) is not None:
            value = unquote(quoted[1])
            at = quoted.end()
        else:
            bare = _BARE.match(text, at)
            value = bare[0] if bare else ""
            following = _NEXT_PAIR.search(value)
            if following is not None:
                value = value[: following.start()]
            at += len(value)
            value = value.strip(' \t"')
        pairs.append((name[1].lower(), value))
        at = _skip_stray(text, at)
    return pairs


def _skip_stray(text: str, at: int) -> int:
    """Past quotes and equals signs that begin no parameter."""
    while at < len(text) and text[at] in '"=':
        at += 1
    return at


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in pairs:
        section = _SECTION.match(name) if "*" in name else None
        if section is None:
            plain.setdefault(name, value)
        else:
            index = int(section[2] or 0)
            sections.setdefault(section[1], {}).setdefault(index, (value, section[3] is not None))
    for name, parts in sections.items():
        plain[name] = _extended(parts)
    return plain


def _extended(parts: dict[int, tuple[str, bool]]) -> str:
    """RFC 2231: join the sections 0, 1, 2 and so on (some count from 1), and decode the percent octets."""
    charset: str | None = None
    octets: list[bytes] = []
    first = 0 if 0 in parts else 1
    for index in range(first, first + len(parts)):
        if index not in parts:
            break
        value, is_extended = parts[index]
        if is_extended and index == first and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        raw = value.encode()
        octets.append(_PERCENT.sub(_octet, raw) if is_extended else raw)
    return decode(b"".join(octets), charset or None).text.replace("\0", "")


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())
