"""The tree of parts as ranges of octets: multiparts are cut at their delimiter lines, outermost first.

So an outer delimiter always ends an inner multipart, whether that one was closed or not (RFC 2046 §5.1.2). A
message/rfc822 part is a leaf (RFC 8621 §4.1.4: the structure does not go into it). A multipart whose parts
cannot be told apart is a text part that shows its raw content, if it has any. Nothing here recurses; nesting
and the number of parts are limited, and each level reads an octet at most twice.
"""

import re
from itertools import pairwise

from mailscribe.message.content import MESSAGE, TEXT, Content, read_content
from mailscribe.message.defects import DefectCode, DefectList
from mailscribe.message.limits import Limits
from mailscribe.message.scan import Delimiter, Header, RawField, find_delimiters, scan_header
from mailscribe.message.transfer import Range, Source

_BLANK = re.compile(rb"[\r\n]*+\Z")


class Node:
    """A part while the tree is built. `number` is its section number, "" for the outermost multipart."""

    __slots__ = ("body_end", "body_start", "children", "content", "depth", "header_start", "number")

    def __init__(self, number: str, depth: int, header_start: int, body: tuple[int, int], content: Content) -> None:
        self.number = number
        self.depth = depth
        self.header_start = header_start
        self.body_start, self.body_end = body
        self.content = content
        self.children: list[Node] | None = None


def build_tree(source: Range, prefix: str, limits: Limits, defects: DefectList) -> tuple[list[RawField], list[Node]]:
    """Find all parts of the message in `source` and note what is wrong with their structure.

    Returns the header fields of the outermost part and all parts, each after its parent.
    `prefix` is the section number of the part that the message is attached as, "" for none.
    """
    builder = _Builder(source.data, limits, defects)
    fields = builder.add_root(source, prefix)
    waiting = [builder.nodes[0]]
    while waiting:
        node = waiting.pop()
        if node.content.is_multipart:
            builder.open(node)
            waiting.extend(reversed(node.children or ()))
    return fields, builder.nodes


def section(number: str, child: int) -> str:
    """The section number of the `child`-th part (from 1) of part `number` (RFC 9051 §6.4.5).

    >>> section("", 2), section("2", 1)
    ('2', '2.1')
    """
    return f"{number}.{child}" if number else str(child)


class _Builder:
    def __init__(self, data: Source, limits: Limits, defects: DefectList) -> None:
        self.data = data
        self.limits = limits
        self.defects = defects
        self.nodes: list[Node] = []

    def add_root(self, source: Range, prefix: str) -> list[RawField]:
        header = scan_header(self.data, source.start, source.end, self.limits)
        content = read_content(self.data, header.fields, TEXT, self.limits)
        number = prefix if content.is_multipart else section(prefix, 1)
        self.add(header, Node(number, 0, source.start, (header.body_start, source.end), content))
        return header.fields

    def add_child(self, parent: Node, start: int, end: int, limit: int) -> Node:
        """Add the part in `[start, end)`, whose next delimiter line begins at `limit`."""
        default = MESSAGE if parent.content.type == "multipart/digest" else TEXT
        header = scan_header(self.data, start, end, self.limits, is_part=True)
        body_start = header.body_start
        if body_start == end and self.data[end - 1 : end] == b"\n":
            # the line end before the delimiter is the empty line after the header: there is no body
            body_start = end = limit
        content = read_content(self.data, header.fields, default, self.limits)
        number = section(parent.number, len(parent.children or ()) + 1)
        return self.add(header, Node(number, parent.depth + 1, start, (body_start, end), content))

    def add(self, header: Header, node: Node) -> Node:
        for code, offset in header.defects:
            self.defects.add(code, node.number if node.depth else None, offset)
        for code in node.content.defects:
            self.note(code, node, node.header_start)
        self.nodes.append(node)
        return node

    def note(self, code: DefectCode, node: Node, offset: int) -> None:
        self.defects.add(code, node.number or None, offset)

    def open(self, node: Node) -> None:
        """Cut a multipart into its children, or make it the text part that it looks like."""
        boundary = node.content.boundary
        if node.depth >= self.limits.nesting:
            self.show_raw(node, DefectCode.NESTING_TOO_DEEP)
        elif boundary is None:
            self.show_raw(node, DefectCode.MULTIPART_NO_BOUNDARY)
        else:
            delimiters = self.delimiters(node, boundary)
            if delimiters and not delimiters[0].is_closing:
                self.cut(node, delimiters)
            else:
                self.show_raw(node, DefectCode.MULTIPART_NO_DELIMITER)

    def cut(self, node: Node, delimiters: list[Delimiter]) -> None:
        """Between two delimiter lines lies a part, unless they follow one another at once."""
        node.children = []
        is_full = len(delimiters) > self.room()
        if not delimiters[-1].is_closing and not is_full:
            self.note(DefectCode.MULTIPART_NOT_CLOSED, node, node.body_end)
            delimiters.append(Delimiter(node.body_end, node.body_end, node.body_end, is_closing=True))
        for delimiter, following in pairwise(delimiters):
            if self.is_nothing(node, delimiter, following):
                continue
            if len(self.nodes) >= self.limits.parts:
                is_full = True
                break
            end = max(following.content_end, delimiter.end)
            node.children.append(self.add_child(node, delimiter.end, end, following.start))
        if is_full:
            self.note(DefectCode.TOO_MANY_PARTS, node, delimiters[-1].start)

    def is_nothing(self, node: Node, delimiter: Delimiter, following: Delimiter) -> bool:
        """Repeated delimiter lines, or one at the very end that was meant to close."""
        if following.start == node.body_end and node.children:
            return _BLANK.match(self.data, delimiter.end, node.body_end) is not None
        return following.start == delimiter.end

    def room(self) -> int:
        return self.limits.parts - len(self.nodes) + 1

    def show_raw(self, node: Node, code: DefectCode) -> None:
        self.note(code, node, node.body_start)
        if node.body_start == node.body_end:
            node.children = []
            return
        if not node.depth:
            node.number = section(node.number, 1)
        node.content = node.content.as_text()

    def delimiters(self, node: Node, boundary: bytes) -> list[Delimiter]:
        found = self.until_closed(node, boundary, is_exact=True)
        if not found:
            found = self.until_closed(node, boundary, is_exact=False)
            if found:
                self.note(DefectCode.MULTIPART_BOUNDARY_PREFIX, node, found[0].content_end)
        return found

    def until_closed(self, node: Node, boundary: bytes, *, is_exact: bool) -> list[Delimiter]:
        """Delimiters up to the closing one, but no more than there may be parts.

        One that closes right behind another line that delimits closes nothing, as for Python's parser.
        """
        found: list[Delimiter] = []
        for delimiter in find_delimiters(self.data, node.body_start, node.body_end, boundary, is_exact=is_exact):
            is_repeated = bool(found) and delimiter.start == found[-1].end
            found.append(delimiter)
            if (delimiter.is_closing and not is_repeated) or len(found) > self.room():
                break
        return found
