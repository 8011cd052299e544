"""Find header fields and multipart delimiters in octets: positions only, nothing is decoded or copied.

A line ends with LF, with or without CR before it. A header ends at an empty line; a line that is no field ends
it too (the body begins there, as in Python's own parser), unless the next line is a field again and it does not
look like a delimiter: then the line is skipped. All that lies between fields stays covered by the header's range.
One pass.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mailscribe.message.defects import DefectCode
from mailscribe.message.limits import Limits
from mailscribe.message.transfer import Source

_CR = 0x0D
# RFC 5322 §2.2: field = field-name ":" field-body CRLF; §4.5 allows white space before the colon
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?+")
_FIELD_BEGINS = re.compile(rb"[!-9;-~]++[ \t]*+:")
_EMPTY_LINE = re.compile(rb"\r?\n")
_AFTER_EMPTY_LINE = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"[^\n]*+\n?+")
# RFC 2046 §5.1.1: dash-boundary, "--" when it closes, transport-padding
_TAIL = re.compile(rb"(--)?[ \t]*+\r?(?:\n|\Z)")
_ANY_TAIL = re.compile(rb"(--)?[^\n]*+\n?+")
# what may stand before the first field: a byte order mark, an mbox separator, a continuation of nothing
_BEFORE = re.compile(rb"\xef\xbb\xbf|>?From [^\n]*+\n?+|[ \t][^\n]*+\n?+")


class RawField(NamedTuple):
    """A header field by its positions; `key` is its name in lower case. The value ends before its line end."""

    key: bytes
    start: int
    value_start: int
    value_end: int
    end: int


class Header(NamedTuple):
    """A header block: its fields, where the body begins, and what is wrong with it (code and offset)."""

    fields: list[RawField]
    body_start: int
    defects: list[tuple[DefectCode, int]]


def scan_header(data: Source, start: int, end: int, limits: Limits, *, is_part: bool = False) -> Header:
    """Find the header fields of an entity in `[start, end)`; `is_part` when a delimiter line precedes it."""
    fields: list[RawField] = []
    defects: list[tuple[DefectCode, int]] = []
    at = start if is_part else _skip_before(data, start, end, defects)
    last_start = start + limits.header_block
    while at < end:
        match = _FIELD.match(data, at, end)
        if match is None:
            empty = _EMPTY_LINE.match(data, at, end)
            if empty is not None:
                return Header(fields, empty.end(), defects)
            following = _after_junk(data, at, end, has_fields=bool(fields))
            if following == at:
                defects.append((DefectCode.HEADER_NOT_TERMINATED, at))
                break
            defects.append((DefectCode.HEADER_LINE_INVALID, at))
            at = following
            continue
        if at >= last_start or len(fields) >= limits.fields:
            is_large = len(fields) < limits.fields
            defects.append((DefectCode.HEADER_TOO_LARGE if is_large else DefectCode.HEADER_TOO_MANY_FIELDS, at))
            return Header(fields, _body_start(data, at, end), defects)
        value_start, value_end = match.span(2)
        if value_end > value_start and data[value_end - 1] == _CR:
            value_end -= 1
        following = match.end()
        fields.append(RawField(match[1].lower(), at, value_start, value_end, following))
        at = following
    return Header(fields, at, defects)


class Delimiter(NamedTuple):
    """A delimiter line `[start, end)`; the line end before it belongs to it, so the content ends at `content_end`."""

    content_end: int
    start: int
    end: int
    is_closing: bool


def find_delimiters(
    data: Source, start: int, end: int, boundary: bytes, *, is_exact: bool = True
) -> Iterator[Delimiter]:
    """The delimiter lines of `boundary` in `[start, end)` (RFC 2046 §5.1.1).

    Unless `is_exact`, whatever follows the boundary on its line is tolerated.
    """
    mark = b"--" + boundary
    at = start if data[start : min(start + len(mark), end)] == mark else _next_mark(data, start, end, mark)
    while at >= 0:
        tail = (_TAIL if is_exact else _ANY_TAIL).match(data, at + len(mark), end)
        if tail is not None:
            yield Delimiter(_line_end(data, start, at), at, tail.end(), tail[1] is not None)
        at = _next_mark(data, tail.end() - 1 if tail else at, end, mark)


def _next_mark(data: Source, at: int, end: int, mark: bytes) -> int:
    found = data.find(b"\n" + mark, at, end)
    return found + 1 if found >= 0 else -1


def _line_end(data: Source, start: int, at: int) -> int:
    """Where the line before `at` ends, without its line end; never before `start`."""
    if at - 1 > start and data[at - 2 : at] == b"\r\n":
        return at - 2
    return max(at - 1, start)


def _skip_before(data: Source, start: int, end: int, defects: list[tuple[DefectCode, int]]) -> int:
    at = start
    while (match := _BEFORE.match(data, at, end)) is not None and match.end() > at:
        defects.append((DefectCode.HEADER_MBOX_LINE, at))
        at = match.end()
    return at


def _after_junk(data: Source, at: int, end: int, *, has_fields: bool) -> int:
    """Where the next field begins if the line at `at` is to be skipped, else `at`."""
    line = _LINE.match(data, at, end)
    following = line.end() if line else end
    beginning = data[at : at + 2]
    is_skipped = has_fields and beginning != b"--" and _FIELD_BEGINS.match(data, following, end) is not None
    return following if beginning[:1] == b":" or is_skipped else at


def _body_start(data: Source, at: int, end: int) -> int:
    """Past the next empty line."""
    match = _AFTER_EMPTY_LINE.search(data, max(at - 1, 0), end)
    return match.end() if match else end
