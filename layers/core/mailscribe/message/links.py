"""Links of a message: what a reader may click, and how to leave a list (RFC 2369 §3.2, RFC 8058).

Never raises; each character is looked at a fixed number of times: patterns are possessive and an unclosed quote is
met once. Not the standard library's HTML parser: it is quadratic on `<a `. Scripts (`javascript:`) and content
(`data:`) are no links.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final, Literal

from mailscribe.message.header import unfold
from mailscribe.message.model import Field, ParsedMessage
from mailscribe.message.text import part_text, readable
from mailscribe.message.transfer import Source

LINKS_LIMIT: Final = 1_000
"""Links of a message."""
HREF_LIMIT: Final = 8_192
"""Characters of an address; a longer one is not listed."""
TEXT_LIMIT: Final = 256
"""Characters of a link's text."""

type Kind = Literal["body", "unsubscribe", "one-click"]

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)((?:[^>\"']|\"[^\"]*+\"|'[^']*+')*+)>")
_LOOSE_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)([^>]*+)>")
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?+")
_SKIPPED = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style", "template")}
_URL = re.compile(r"(?<![A-Za-z0-9])(?:https?+://|mailto:)[^\s<>\"\x00-\x1f\x7f]++", re.IGNORECASE)
_BRACKETED = re.compile(r"<([^<>]*+)>")
_CONTROL = re.compile(r"[\x00-\x20\x7f]++")
_FORBIDDEN = ("javascript:", "data:", "vbscript:")
_TRAILING = frozenset(".,;:!?'*_~`’”»…")
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Link:
    """An address with the text that stands for it; `rel` as HTML gives it."""

    href: str
    text: str
    kind: Kind = "body"
    rel: str | None = None


def message_links(data: Source, parsed: ParsedMessage, limit: int) -> tuple[Link, ...]:
    """Links of List-Unsubscribe, then of HTML, then of text; `limit` octets of each part are read."""
    return distinct(_all_links(data, parsed, limit))


def _all_links(data: Source, parsed: ParsedMessage, limit: int) -> Iterator[Link]:
    yield from unsubscribe_links(parsed.headers)
    for part in parsed.html_body:
        if part.type == "text/html":
            yield from html_links(part_text(data, part, limit).value)
    for part in parsed.text_body:
        if part.type.startswith("text/") and part.type != "text/html":
            yield from text_links(readable(data, part, limit))


def distinct(links: Iterable[Link]) -> tuple[Link, ...]:
    """The first link of each address, in order, at most `LINKS_LIMIT`."""
    found: dict[str, Link] = {}
    for link in links:
        found.setdefault(link.href, link)
        if len(found) >= LINKS_LIMIT:
            break
    return tuple(found.values())


def unsubscribe_links(fields: Iterable[Field]) -> Iterator[Link]:
    """Those of List-Unsubscribe; https ones are `one-click` beside List-Unsubscribe-Post (RFC 8058 §3.1)."""
    values = [(field.name.lower(), unfold(field.value)) for field in fields]
    is_one_click = any(
        name == "list-unsubscribe-post" and value.replace(" ", "").lower() == "list-unsubscribe=one-click"
        for name, value in values
    )
    for name, value in values:
        if name != "list-unsubscribe":
            continue
        for match in _BRACKETED.finditer(value):
            href = _address("".join(match[1].split()))
            if href:
                is_post = is_one_click and href.lower().startswith("https:")
                yield Link(href, "", "one-click" if is_post else "unsubscribe")


def text_links(text: str) -> Iterator[Link]:
    """Bare http, https and mailto addresses, without the punctuation of the sentence around them.

    >>> [link.href for link in text_links("(see http://a.test/b_(c)).")]
    ['http://a.test/b_(c)']
    """
    for match in _URL.finditer(text):
        href = _trimmed(match[0])
        if len(href) <= HREF_LIMIT and not href.lower().endswith(("://", "mailto:")):
            yield Link(href, href)


def html_links(html: str) -> list[Link]:
    """Those of `<a href>` and `<area href>`, with their text or alternative text, at most `LINKS_LIMIT`."""
    return _Reader(html).links


class _Reader:
    """Walks from one `<` to the next; `pieces` is the text of the link that is open, if `href` is not empty."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.tag = _TAG
        self.links: list[Link] = []
        self.href, self.rel = "", ""
        self.pieces: list[str] = []
        at = 0
        while (mark := html.find("<", at)) >= 0 and len(self.links) < LINKS_LIMIT:
            self.text(at, mark)
            at = self.markup(mark)
        self.text(at, len(html))
        self.close()

    def text(self, start: int, end: int) -> None:
        if self.href:
            self.pieces.append(self.html[start : min(end, start + TEXT_LIMIT * 8)])

    def markup(self, mark: int) -> int:
        following = self.html[mark + 1 : mark + 2]
        if following != "/" and not following.isalpha():
            return _past(self.html, mark)
        tag = self.tag.match(self.html, mark)
        if tag is None and self.tag is _TAG:
            # a quote is not closed: none is looked for any more, which keeps this linear
            self.tag = _LOOSE_TAG
            tag = self.tag.match(self.html, mark)
        if tag is None:
            return _past(self.html, mark)
        name = tag[2].lower()
        if name == "a":
            self.close()
        if not tag[1]:
            self.opened(name, tag[3])
            if name in _SKIPPED:
                close = _SKIPPED[name].search(self.html, tag.end())
                return len(self.html) if close is None else close.start()
        return tag.end()

    def opened(self, name: str, attributes: str) -> None:
        if name not in ("a", "area", "img"):
            return
        given = _attributes(attributes)
        if name == "a":
            self.href, self.rel = _address(given.get("href", "")), given.get("rel", "")
        elif name == "area":
            if href := _address(given.get("href", "")):
                self.links.append(_link(href, [given.get("alt", "")], given.get("rel", "")))
        elif self.href:
            self.pieces.append(given.get("alt", ""))

    def close(self) -> None:
        if self.href and len(self.links) < LINKS_LIMIT:
            self.links.append(_link(self.href, self.pieces, self.rel))
        self.href, self.rel, self.pieces = "", "", []


def _past(html: str, mark: int) -> int:
    """Past what begins no tag; a comment or declaration that does not end goes to the end."""
    following = html[mark + 1 : mark + 2]
    if not following or not (following in "!?/" or following.isalpha()):
        return mark + 1
    end = "-->" if html.startswith("<!--", mark) else ">"
    found = html.find(end, mark)
    return len(html) if found < 0 else found + len(end)


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        found.setdefault(match[1].lower(), _resolve(match[2] or match[3] or match[4] or ""))
    return found


def _link(href: str, pieces: list[str], rel: str) -> Link:
    text = " ".join(_resolve("".join(pieces)).split())
    return Link(href, text[:TEXT_LIMIT].rstrip(), rel=" ".join(rel.split()) or None)


def _address(href: str) -> str:
    """The address, or nothing where it is none to list."""
    href = href.strip()
    scheme = _CONTROL.sub("", href[:64]).lower()
    is_listed = len(href) <= HREF_LIMIT and not href.startswith("#") and not scheme.startswith(_FORBIDDEN)
    return _CONTROL.sub(" ", href) if is_listed else ""


def _trimmed(url: str) -> str:
    counts = {each: url.count(each) for each in "()[]{}"}
    end = len(url)
    while end:
        last = url[end - 1]
        if last in _PAIRS and counts[last] > counts[_PAIRS[last]]:
            counts[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return url[:end]


def _resolve(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # a number of thousands of digits
        return text
