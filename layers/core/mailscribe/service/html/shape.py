"""Puts HTML into a shape whose parsing costs no more than in proportion to its length: well-nested, flat, known tags.

Parsers that follow the standard take quadratic time and memory on some HTML: deep nesting, thousands of attributes,
formatting that every paragraph opens again, text between the rows of a table. What comes out of here has none of it:
each element is closed where it ends, depth is bounded, each attribute is one of the list and comes once, text in
tables is in cells. It is for safety of time alone: what may stay in a document is decided afterwards, by a real parser.

Elements that need no end tag are closed where the standard (HTML §13.2.6.4) closes them; formatting that overlaps ends
where the outer one does. Each character is looked at a fixed number of times.
"""

import re
from collections import Counter
from typing import Final, NamedTuple

from mailscribe.service.html.policy import ATTRIBUTES, HIDDEN

DEPTH_LIMIT: Final = 128
"""Elements within each other, parts of tables not counted; the tags of deeper ones are left out, their text stays."""
MARKUP_LIMIT: Final = 200_000
"""Tags, comments and declarations that are read; what comes behind is cut."""

_ATTRIBUTE_TEXT: Final = (
    r"(=[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+))?+)?+"  # HTML §13.2.5.32 on
)
_TAG: Final = re.compile(rf"<(/?)([A-Za-z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE_TEXT})*+)>")
_LOOSE_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)([^>]*+)>")
_ATTRIBUTE: Final = re.compile(_ATTRIBUTE_TEXT)
_COMMENT_END: Final = re.compile(r"--!?>")
_HIDDEN_END: Final = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in HIDDEN}

_VOID: Final = frozenset({"br", "col", "hr", "img", "wbr"})
_CELLS: Final = frozenset({"td", "th"})
_GROUPS: Final = frozenset({"tbody", "thead", "tfoot"})
_ROWS: Final = frozenset({"table", *_GROUPS, "tr", "colgroup"})
"""Elements of a table in which no text may stand."""
_PARTS: Final = _CELLS | _GROUPS | {"tr", "caption", "col", "colgroup"}
_EDGES: Final = _CELLS | _ROWS | {"caption"}
"""Elements beyond which a tag closes nothing."""
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCK_NAMES: Final = (
    "address article aside blockquote center dd details div dl dt figcaption figure footer header hr li main nav ol p"
    " pre section summary table ul"
)
_BLOCKS: Final = _HEADINGS | frozenset(_BLOCK_NAMES.split())
"""Elements that end a paragraph."""
_FORMATTING: Final = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"}
)
"""Elements whose end tag counts within a block too."""
_ITEMS: Final = {"li": frozenset({"li"}), "dd": frozenset({"dd", "dt"}), "dt": frozenset({"dd", "dt"})}
_PASSABLE: Final = frozenset({"address", "div", "p"})
"""Blocks through which an item of a list ends the one before it."""
_PARENTS: Final = {
    **dict.fromkeys(_CELLS, ("tbody", "tr")),
    "tr": ("tbody",),
    "col": ("colgroup",),
}
"""What is opened between a table and a part of it that stands there alone."""
_ABOVE: Final = {
    **dict.fromkeys(_CELLS, _GROUPS | {"tr"}),
    "tr": _GROUPS,
    "col": frozenset({"colgroup"}),
}
"""Within which elements of a table a part may stand."""
_SAME: Final = {"body": "div"}


class Shaped(NamedTuple):
    """HTML in shape, and whether some of it was cut."""

    html: str
    is_cut: bool


def shaped(html: str, markup_limit: int = MARKUP_LIMIT) -> Shaped:
    """The HTML in shape.

    >>> shaped("<p>a<div onclick=x title='b'>c<table>d<tr><td>e").html
    '<p>a</p><div title="b">c<table><tbody><tr><td>d</td></tr><tr><td>e</td></tr></tbody></table></div>'
    """
    return _Shaper(html, markup_limit).run()


class _Shaper:
    def __init__(self, html: str, markup_limit: int) -> None:
        self.html = html
        self.left = markup_limit
        self.tag = _TAG
        self.out: list[str] = []
        self.stack: list[str] = []
        self.open: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.depth = 0

    def run(self) -> Shaped:
        at = 0
        while (mark := self.html.find("<", at)) >= 0 and self.left > 0:
            self.text(self.html[at:mark])
            at = self.markup(mark)
            self.left -= 1
        if mark < 0:
            self.text(self.html[at:])
        self.close_from(0)
        return Shaped("".join(self.out), mark >= 0)

    # what there is to read

    def markup(self, mark: int) -> int:
        """Past the markup at `mark`."""
        following = self.html[mark + 1 : mark + 2]
        if following in ("!", "?"):
            return self.past_comment(mark)
        if following != "/" and not (following.isascii() and following.isalpha()):
            self.text("&lt;")
            return mark + 1
        tag = self.tag.match(self.html, mark)
        if tag is None and self.tag is _TAG:
            # a quote is not closed: none is looked for any more, which keeps this linear
            self.tag = _LOOSE_TAG
            tag = self.tag.match(self.html, mark)
        if tag is None:
            return self.past(">", mark)
        name = tag[2].lower()
        name = _SAME.get(name, name)
        if tag[1]:
            self.end(name)
        elif name in HIDDEN:
            close = _HIDDEN_END[name].search(self.html, tag.end())
            return len(self.html) if close is None else close.start()
        elif name in ATTRIBUTES:
            self.start(name, tag[3])
        return tag.end()

    def past_comment(self, mark: int) -> int:
        if not self.html.startswith("<!--", mark):
            return self.past(">", mark)
        if self.html.startswith((">", "->"), mark + 4):
            return self.html.find(">", mark) + 1
        end = _COMMENT_END.search(self.html, mark + 4)
        return len(self.html) if end is None else end.end()

    def past(self, end: str, mark: int) -> int:
        found = self.html.find(end, mark)
        return len(self.html) if found < 0 else found + len(end)

    def text(self, text: str) -> None:
        if text and self.stack and self.stack[-1] in _ROWS and not text.isspace():
            self.part("td", "")
        self.out.append(text)

    # what it does to the tree

    def start(self, name: str, attributes: str) -> None:
        if name in _PARTS:
            self.part(name, attributes)
            return
        if self.stack and self.stack[-1] in _ROWS:
            if name not in ("img", "table"):
                return  # it holds rows, and a table within a table holds none of these
            self.part("td", "")
        self.close_before(name)
        if name in _VOID:
            self.write(name, attributes)
        elif self.depth >= DEPTH_LIMIT:
            self.dropped[name] += 1
        else:
            self.push(name, attributes)

    def close_before(self, name: str) -> None:
        """Close what the beginning of such an element ends."""
        if name in _ITEMS:
            self.close_item(_ITEMS[name])
        if name in _BLOCKS:
            self.close_through("p")
        if name in _HEADINGS and self.stack and self.stack[-1] in _HEADINGS:
            self.close_from(len(self.stack) - 1)
        if name == "a":
            self.close_through("a")

    def close_item(self, names: frozenset[str]) -> None:
        if not any(self.open[name] for name in names):
            return
        for at in range(len(self.stack) - 1, -1, -1):
            name = self.stack[at]
            if name in names:
                self.close_from(at)
                return
            if name in _EDGES or (name in _BLOCKS and name not in _PASSABLE):
                return

    def close_through(self, wanted: str) -> None:
        """Close the innermost element of that name with all that is in it, if it is open on this side of a cell."""
        if not self.open[wanted]:
            return
        for at in range(len(self.stack) - 1, -1, -1):
            name = self.stack[at]
            if name == wanted:
                self.close_from(at)
                return
            if name in _EDGES:
                return

    def part(self, name: str, attributes: str) -> None:
        """A part of a table; where there is none, its tag is left out."""
        if not self.open["table"]:
            return
        above = _ABOVE.get(name, frozenset())
        at = len(self.stack)
        while self.stack[at - 1] not in above and self.stack[at - 1] != "table":
            at -= 1
        self.close_from(at)
        parents = _PARENTS.get(name, ())
        for parent in parents[self.rank(parents) :]:
            self.push(parent, "")
        if name in _VOID:
            self.write(name, attributes)
        else:
            self.push(name, attributes)

    def rank(self, parents: tuple[str, ...]) -> int:
        """How many of the parents are open already."""
        last = self.stack[-1]
        if last == "table":
            return 0
        return 1 if last in _GROUPS else len(parents)

    def end(self, name: str) -> None:
        if self.dropped[name]:
            self.dropped[name] -= 1
        elif self.open[name]:
            at = self.innermost(name)
            if at >= 0:
                self.close_from(at)

    def innermost(self, wanted: str) -> int:
        """Where the element that an end tag closes stands; -1 where it closes none."""
        for at in range(len(self.stack) - 1, -1, -1):
            name = self.stack[at]
            if name == wanted:
                return at
            if name == "table" or (name in _EDGES and wanted not in _EDGES):
                return -1
            if name in _BLOCKS and wanted not in _BLOCKS | _FORMATTING | _EDGES:
                return -1
        return -1

    def push(self, name: str, attributes: str) -> None:
        self.write(name, attributes)
        self.stack.append(name)
        self.open[name] += 1
        self.depth += name not in _PARTS

    def close_from(self, at: int) -> None:
        while len(self.stack) > at:
            name = self.stack.pop()
            self.open[name] -= 1
            self.depth -= name not in _PARTS
            self.out.append(f"</{name}>")
            self.dropped.clear()

    def write(self, name: str, attributes: str) -> None:
        self.out.append(f"<{name}{_attributes(name, attributes)}>")


def _attributes(tag: str, text: str) -> str:
    """Those that the tag may have, each once, the first that there is."""
    allowed = ATTRIBUTES[tag]
    kept: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        name = match[1].lower()
        if name in allowed and name not in kept:
            value = match[2] or match[3] or match[4] or ""
            kept[name] = value.replace('"', "&quot;")
    return "".join([f' {name}="{value}"' for name, value in kept.items()])
