"""Files that stand in the text itself, as mail had them before MIME: uuencode (POSIX) and yEnc.

They are offered as attachments of the text part they stand in, numbered under it; that part and its text stay whole,
for nothing says that these lines are not meant to be read. Looked for where the text is sent as it is: in a
text/plain part of the body without a transfer encoding, since a part is a range of the message's octets. A file
that is cut off is offered as far as it goes, and its decoding tells that it is damaged. One pass.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mailscribe.message.content import TEXT, Content
from mailscribe.message.defects import DefectCode, DefectList
from mailscribe.message.header import raw_text
from mailscribe.message.structure import Node, section
from mailscribe.message.transfer import IDENTITIES, Source

_MARK = b"begin "
_LINE_FEED = 0x0A
# POSIX uuencode: "begin" mode name, lines of a length and as many octets in fours, a line of length 0, "end"
_UU_BEGIN = re.compile(rb"begin [0-7]{3,4}[ \t]++([^\r\n]++)\r?\n")
_UU_LINE = re.compile(rb"([ -`]++)\r?(?:\n|\Z)")
_UU_END = re.compile(rb"(?:[ `]?[ \t]*+\r?\n)?end[ \t]*+\r?(?:\n|\Z)")
_UU_STRAY = 2
"""characters that may follow on a line: a checksum, a space"""
# yEnc 1.3: "=ybegin" with line, size and, last on its line, name; the octets; "=yend"
_Y_BEGIN = re.compile(rb"=ybegin (?=[^\r\n]*?\bsize=[0-9])[^\r\n]*?\bname=([^\r\n]++)\r?\n")
_Y_END = re.compile(rb"\n=yend[^\n]*+\n?+")


class _File(NamedTuple):
    """A file in `[start, end)`, its first and last lines included."""

    start: int
    end: int
    name: bytes
    encoding: str


def inline_files(data: Source, texts: Iterable[Node], room: int, defects: DefectList) -> list[Node]:
    """The files in those of `texts` that can hold them, as leaves, no more than `room`."""
    found: list[Node] = []
    for text in texts:
        if text.content.type != TEXT or text.content.coding not in IDENTITIES:
            continue
        for number, file in enumerate(_files(data, text.body_start, text.body_end), 1):
            if len(found) >= room:
                defects.add(DefectCode.TOO_MANY_PARTS, text.number, file.start)
                return found
            found.append(_node(text, number, file))
    return found


def _node(text: Node, number: int, file: _File) -> Node:
    content = Content(
        type="application/octet-stream",
        name=raw_text(file.name).strip(" \t\"'") or None,
        disposition="attachment",
        encoding=file.encoding,
        coding=file.encoding,
    )
    return Node(section(text.number, number), text.depth + 1, file.start, (file.start, file.end), content)


def _files(data: Source, start: int, end: int) -> Iterator[_File]:
    at = start
    while (mark := data.find(_MARK, at, end)) >= 0:
        file = None
        if _begins_line(data, mark, start):
            file = _uuencoded(data, mark, end)
        elif mark - 2 >= at and _begins_line(data, mark - 2, start):
            file = _yencoded(data, mark - 2, end)
        at = mark + len(_MARK) if file is None else file.end
        if file is not None:
            yield file


def _begins_line(data: Source, at: int, start: int) -> bool:
    return at == start or data[at - 1] == _LINE_FEED


def _uuencoded(data: Source, start: int, end: int) -> _File | None:
    begin = _UU_BEGIN.match(data, start, end)
    if begin is None:
        return None
    at = begin.end()
    while (closing := _UU_END.match(data, at, end)) is None:
        line = _UU_LINE.match(data, at, end)
        if line is None or not _is_uuencoded(line[1], is_first=at == begin.end()):
            break
        at = line.end()
    else:
        at = closing.end()
    return _File(start, at, begin[1], "x-uuencode") if at > begin.end() else None


def _is_uuencoded(line: bytes, *, is_first: bool) -> bool:
    """Whether the line is as long as it says; spaces at its end may be lost, but no file begins with such a line."""
    octets = (line[0] - 32) & 63
    least = octets if is_first else 0
    return least <= len(line) - 1 <= (octets + 2) // 3 * 4 + _UU_STRAY


def _yencoded(data: Source, start: int, end: int) -> _File | None:
    begin = _Y_BEGIN.match(data, start, end)
    if begin is None:
        return None
    closing = _Y_END.search(data, begin.end() - 1, end)
    return _File(start, end if closing is None else closing.end(), begin[1], "x-yenc")
