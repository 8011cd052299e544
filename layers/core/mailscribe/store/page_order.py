"""The order of a segment's pages: those that every query goes through come first, so that one request has them.

A SQLite file is a set of trees of pages that name each other by number (https://www.sqlite.org/fileformat2.html §1.6).
Roots stay where they are, as the schema names them. After them come the inner pages of all trees, the page on which
FTS5 begins, the words by which FTS5 finds its pages, and then all others in the order that they had; every number
that a page holds is written anew. Only for files of this package's making: no free pages, nothing of auto-vacuum.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final

import apsw

_NUMBER: Final = Struct(">I")
_CELL: Final = Struct(">H")
_INNER_INDEX, _INNER_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13
_HEADER_BYTES: Final = 100
"""Of the file, before the first page's own."""
_ROOTS: Final = "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"
_LOCK_BYTE: Final = 1 << 30
"""SQLite skips the page that holds it; a file that reaches it keeps its order."""
_HOT_TREES: Final = ("fts_idx",)
"""All of their pages come early."""
_HOT_STARTS: Final = ("fts_data",)
"""Their first leaf does: what FTS5 reads before anything else."""


@dataclass(frozen=True, slots=True)
class _File:
    """An open file, of pages numbered from 1."""

    file: BinaryIO
    page_bytes: int

    def page(self, number: int) -> bytearray:
        self.file.seek((number - 1) * self.page_bytes)
        return bytearray(self.file.read(self.page_bytes))

    def children(self, number: int) -> list[int]:
        """What an inner page points to, from left to right; none for a leaf."""
        page = self.page(number)
        return [_NUMBER.unpack_from(page, place)[0] for place in _child_places(page, number)]


def reorder(source: Path, target: Path) -> None:
    """Write `source` to `target`, the same database in another order of pages."""
    roots = _roots(source)
    size = source.stat().st_size
    with source.open("rb") as file:
        pages = _File(file, _CELL.unpack_from(file.read(_HEADER_BYTES), 16)[0])
        count = size // pages.page_bytes
        early, branches = _early(pages, roots)
        if size > _LOCK_BYTE:
            early = []
        order = list(dict.fromkeys((*range(1, len(roots) + 1), *early, *range(1, count + 1))))
        numbers = [0] * (count + 1)
        for new, old in enumerate(order, 1):
            numbers[old] = new
        with target.open("wb") as made:
            for old in order:
                made.write(_renumbered(pages.page(old), old, numbers, in_tree=old in branches))


def _roots(path: Path) -> Mapping[str, int]:
    """The root page of each tree. Raises `ValueError` unless they are the first pages of the file."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        rows: list[tuple[Any, ...]] = database.execute(_ROOTS).fetchall()
    roots = {"sqlite_schema": 1} | {str(name): int(root) for name, root in rows}
    if sorted(roots.values()) != list(range(1, len(roots) + 1)):
        raise ValueError(f"roots are not the first pages: {roots}")
    return roots


def _early(pages: _File, roots: Mapping[str, int]) -> tuple[list[int], set[int]]:
    """The pages that come first, and all pages of trees; what is neither continues a long row."""
    inner, first, words, trees = list[int](), list[int](), list[int](), set(roots.values())
    for name, root in roots.items():
        level = [root]
        while children := [child for number in level for child in pages.children(number)]:
            inner += level
            trees.update(children)
            level = children
        first += level[:1] if name in _HOT_STARTS else []
        words += level if name in _HOT_TREES else []
    return [*first, *inner, *words], trees


def _renumbered(page: bytearray, number: int, numbers: Sequence[int], *, in_tree: bool) -> bytearray:
    """The page with new numbers for those that it holds."""
    places: Iterator[int] = iter((0,))
    if in_tree:
        places = iter([*_child_places(page, number), *_overflow_places(page, number)])
    for place in places:
        _NUMBER.pack_into(page, place, numbers[_NUMBER.unpack_from(page, place)[0]])
    return page


def _cells(page: bytearray, number: int) -> tuple[int, int, Sequence[int]]:
    """The kind of a tree's page, where its header begins, and where its cells do."""
    start = _HEADER_BYTES if number == 1 else 0
    kind = page[start]
    first = start + (12 if kind in (_INNER_INDEX, _INNER_TABLE) else 8)
    count = _CELL.unpack_from(page, start + 3)[0]
    return kind, start, [_CELL.unpack_from(page, first + 2 * at)[0] for at in range(count)]


def _child_places(page: bytearray, number: int) -> list[int]:
    kind, start, cells = _cells(page, number)
    return [*cells, start + 8] if kind in (_INNER_INDEX, _INNER_TABLE) else []


def _overflow_places(page: bytearray, number: int) -> Iterator[int]:
    """Where the cells of a page name the page on which their row goes on."""
    kind, _, cells = _cells(page, number)
    if kind == _INNER_TABLE:
        return
    size = len(page)
    least = (size - 12) * 32 // 255 - 23
    most = size - 35 if kind == _LEAF_TABLE else (size - 12) * 64 // 255 - 23
    for cell in cells:
        length, place = _varint(page, cell + 4 if kind == _INNER_INDEX else cell)
        if length <= most:
            continue
        if kind == _LEAF_TABLE:
            place = _varint(page, place)[1]
        local = least + (length - least) % (size - 4)
        yield place + (local if local <= most else least)


def _varint(page: bytearray, place: int) -> tuple[int, int]:
    """A number of one to nine octets, and where what follows it begins."""
    value = 0
    for at in range(place, place + 8):
        value = value << 7 | page[at] & 0x7F
        if page[at] < 0x80:
            return value, at + 1
    return value << 8 | page[place + 8], place + 9
