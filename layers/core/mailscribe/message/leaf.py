"""From the tree's nodes to finished parts: sizes, hashes of attachments, and whether the content can be read."""

import hashlib
from typing import NamedTuple

from mailscribe.message.body import Selection
from mailscribe.message.charset import decode
from mailscribe.message.defects import DefectCode, DefectList
from mailscribe.message.limits import Limits
from mailscribe.message.model import Part
from mailscribe.message.structure import Node
from mailscribe.message.transfer import IDENTITIES, Decoder, Range, Source


class _Content(NamedTuple):
    """What decoding a leaf told."""

    size: int = 0
    sha256: str | None = None
    is_problem: bool = False


class Finisher:
    """Makes the parts of one message; each leaf is decoded once, in pieces."""

    def __init__(self, data: Source, chosen: Selection, limits: Limits, defects: DefectList) -> None:
        self._data = data
        self._limit = limits.text
        self._defects = defects
        self._hashed = {id(node) for node in chosen.attachments}
        self._shown = {id(node) for node in (*chosen.text, *chosen.html)}
        self._parts: dict[int, Part] = {}

    def finish(self, nodes: list[Node]) -> Part:
        """Make a part of every node, where each stands after its parent; returns the outermost."""
        for node in reversed(nodes):
            if node.children is None:
                self._parts[id(node)] = _part(node, self._content(node), None)
            else:
                self._parts[id(node)] = _part(node, _Content(), self.chosen(node.children))
        return self._parts[id(nodes[0])]

    def chosen(self, nodes: list[Node]) -> tuple[Part, ...]:
        """The parts of nodes that are finished."""
        return tuple(self._parts[id(node)] for node in nodes)

    def _content(self, node: Node) -> _Content:
        content = node.content
        is_hashed = id(node) in self._hashed
        is_text = id(node) in self._shown and content.charset is not None
        if not is_text and not is_hashed and content.coding in IDENTITIES:
            return _Content(node.body_end - node.body_start)
        decoder = Decoder(Range(self._data, node.body_start, node.body_end), content.encoding)
        digest = hashlib.sha256() if is_hashed else None
        beginning: list[bytes] = []
        size = 0
        for piece in decoder:
            if digest is not None:
                digest.update(piece)
            if is_text and size < self._limit:
                beginning.append(piece)
            size += len(piece)
        self._note(DefectCode.ENCODING_INVALID, node, decoder.is_damaged)
        is_broken = is_text and self._is_broken(node, b"".join(beginning), size)
        is_unknown = is_text and content.codec is None
        return _Content(
            size,
            digest.hexdigest() if digest is not None else None,
            is_broken or is_unknown or content.coding is None,
        )

    def _is_broken(self, node: Node, beginning: bytes, size: int) -> bool:
        if node.content.codec is None:
            return False
        text = decode(beginning, node.content.charset, is_whole=len(beginning) == size)
        return self._note(DefectCode.CHARSET_INVALID, node, text.is_problem)

    def _note(self, code: DefectCode, node: Node, is_so: bool) -> bool:
        if is_so:
            self._defects.add(code, node.number, node.body_start)
        return is_so


def _part(node: Node, content: _Content, sub_parts: tuple[Part, ...] | None) -> Part:
    declared = node.content
    return Part(
        part_id=node.number if sub_parts is None else None,
        type=declared.type,
        name=declared.name,
        charset=declared.charset,
        disposition=declared.disposition,
        cid=declared.cid,
        language=declared.language,
        location=declared.location,
        encoding=declared.encoding,
        header_start=node.header_start,
        body_start=node.body_start,
        body_end=node.body_end,
        size=content.size,
        sha256=content.sha256,
        sub_parts=sub_parts,
        is_encoding_problem=content.is_problem,
        flowed=declared.flowed,
        delsp=declared.delsp,
    )
