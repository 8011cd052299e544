"""The fields of a report part (RFC 3464 §2.1): octets to groups, and the small grammars of their values.

Never raises, linear, capped. Groups are told apart by blank lines and, where those are missing, by an address
field that comes again. What cannot be decoded stays as it was sent.
"""

import re
from collections.abc import Iterator

from mailscribe.message.header import raw_text, unstructured

REPORT_OCTETS = 1_048_576
"""octets of a report part that are read"""
REPORT_RECIPIENTS = 1000
"""recipients of a report that are listed"""
REPORT_VALUE = 4096
"""characters of a value that are kept"""

type Fields = dict[str, str]

_LINE_END = re.compile(r"\r\n|\r|\n")
# RFC 3464 §2.1: field names are those of RFC 5322 §3.6.8, printable characters but the colon
_FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
_ADDRESSES = ("final-recipient", "original-recipient")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
# RFC 6533 §3: EmbeddedUnicodeChar = "\x{" HEXPOINT "}"
_UNICODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
# RFC 3464 §2.1.2: typed = type ";" text
_TYPED = re.compile(r"\s*([A-Za-z0-9-]{1,40})\s*;(.*)", re.DOTALL)


def read_fields(octets: bytes) -> Iterator[tuple[str, str] | None]:
    """Fields as (lower-case name, readable value), and None for a blank line; other lines are left out."""
    name, lines = "", list[str]()
    for line in _LINE_END.split(raw_text(octets[:REPORT_OCTETS])):
        if name and line[:1] in (" ", "\t") and line.strip():
            lines.append(line)
            continue
        if name:
            yield name, _value(lines)
        found = _FIELD.match(line)
        name, lines = (found[1].lower(), [found[2]]) if found else ("", [])
        if not line.strip():
            yield None
    if name:
        yield name, _value(lines)


def recipient_groups(octets: bytes, message_fields: frozenset[str]) -> tuple[Fields, list[Fields]]:
    """The fields of the report itself, the first of each name, and those of each recipient."""
    message: Fields = {}
    groups: list[Fields] = [{}]
    is_apart = False
    for field in read_fields(octets):
        if field is None:
            is_apart = True
            continue
        name, value = field
        if name in message_fields:
            message.setdefault(name, value)
            continue
        group = groups[-1]
        if _begins(name, group, is_apart=is_apart):
            if len(groups) == REPORT_RECIPIENTS:
                break
            groups.append(group := {})
        group.setdefault(name, value)
        is_apart = False
    return message, [group for group in groups if _has_address(group)]


def typed(value: str) -> tuple[str, str]:
    """Type, lower-case, and text of `type; text`; the type is empty where there is none.

    >>> typed("RFC822; a@x.org"), typed("a@x.org")
    (('rfc822', 'a@x.org'), ('', 'a@x.org'))
    """
    found = _TYPED.match(value)
    return (found[1].lower(), found[2].strip()) if found else ("", value.strip())


def address(value: str) -> str:
    r"""An address of a report: without type, brackets and the escaped characters of `utf-8` (RFC 6533 §3).

    No xtext is undone: whoever writes a report has done that, and `bob+42@x.org` is an address.

    >>> address("utf-8; j\\x{F6}rg@x.org"), address("rfc822;<bob+42@x.org>")
    ('jörg@x.org', 'bob+42@x.org')
    """
    kind, text = typed(value)
    text = text.strip("<> \t")
    return _UNICODE.sub(_character, text) if kind == "utf-8" else text


def original_address(value: str) -> str:
    """An address of Original-Recipient, which some hand on in xtext: with the plus and equals sign that it escapes.

    >>> original_address("rfc822;bob+2Blists@x.org"), original_address("rfc822;bob+42@x.org")
    ('bob+lists@x.org', 'bob+42@x.org')
    """
    return address(value).replace("+2B", "+").replace("+3D", "=")


def xtext(text: str) -> str:
    """RFC 3461 §4 `+XX` undone, where it spells a printable character of ASCII; a bare plus stays."""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)) if 32 < int(found[1], 16) < 127 else found[0], text)


def _character(found: re.Match[str]) -> str:
    point = int(found[1], 16)
    return chr(point) if 32 < point < 0xD800 or 0xDFFF < point < 0x110000 else found[0]


def _value(lines: list[str]) -> str:
    return unstructured("".join(lines)[:REPORT_VALUE])


def _has_address(group: Fields) -> bool:
    return any(name in group for name in _ADDRESSES)


def _begins(name: str, group: Fields, *, is_apart: bool) -> bool:
    """Whether the field is the first of another recipient."""
    if name in _ADDRESSES and name in group:
        return True
    return is_apart and _has_address(group) and (name in group or name in _ADDRESSES)
