"""The text of an HTML body for index and preview: what a reader would see, one line per block.

Comments, declarations, scripts, styles and titles are left out, character references are resolved, white space is
collapsed, images give their alternative text. What is not HTML passes as text. Each octet is looked at a fixed
number of times: the standard library's parser takes 40 s for 60 KB of `<a ` and raises on `<![`.
"""

import re

# HTML §13.2.5, enough of it: a tag with its attributes; the second form takes no notice of quotes
_TAG = re.compile(r"</?([A-Za-z][^\s/>]*+)((?:[^>\"']|\"[^\"]*+\"|'[^']*+')*+)>")
_LOOSE_TAG = re.compile(r"</?([A-Za-z][^\s/>]*+)([^>]*+)>")
_ALT = re.compile(r"\balt\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))", re.IGNORECASE)
_WHITE = re.compile(r"[ \t\r\n\f\xa0\u034f\u200b-\u200d\u2060\ufeff\xad]+")
_SPACES = re.compile(r" {2,}")
_LINES = re.compile(r"\n{2,}")

_SKIPPED = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "template", "noframes", "noembed", "xml")
}
_BLOCK_NAMES = (
    "address article aside blockquote body br caption center dd dir div dl dt fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hr html li main menu nav ol option p pre section summary table tbody tfoot thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CELLS = frozenset({"td", "th"})


def html_to_text(html: str) -> str:
    """The visible text.

    >>> html_to_text("<p>Hello&nbsp;<b>world</b></p><!-- not me --><p>a &lt; b</p>")
    'Hello world\\na < b'
    """
    text = _SPACES.sub(" ", "".join(_Reader(html).pieces))
    return _LINES.sub("\n", text.replace(" \n", "\n").replace("\n ", "\n")).strip()


class _Reader:
    """Walks from one `<` to the next; `pieces` collects text and line ends."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.pieces: list[str] = []
        self.tag = _TAG
        at = 0
        while (mark := html.find("<", at)) >= 0:
            self.text(at, mark)
            at = self.markup(mark)
        self.text(at, len(html))

    def text(self, start: int, end: int) -> None:
        if start < end:
            self.pieces.append(_WHITE.sub(" ", _resolve(self.html[start:end])))

    def markup(self, at: int) -> int:
        """Past the markup at `at`, or past a `<` that begins none."""
        following = self.html[at + 1 : at + 2]
        if following in "!?" and following:
            return self.past("-->" if self.html.startswith("<!--", at) else ">", at)
        if following == "/" or following.isalpha():
            return self.element(at)
        self.pieces.append("<")
        return at + 1

    def past(self, end: str, at: int) -> int:
        found = self.html.find(end, at)
        return len(self.html) if found < 0 else found + len(end)

    def element(self, at: int) -> int:
        tag = self.tag.match(self.html, at)
        if tag is None and self.tag is _TAG:
            # a quote is not closed: none is looked for any more, which keeps this linear
            self.tag = _LOOSE_TAG
            tag = self.tag.match(self.html, at)
        if tag is None:
            return self.past(">", at)
        name = tag[1].lower()
        if name in _BLOCKS:
            self.pieces.append("\n")
        elif name in _CELLS:
            self.pieces.append(" ")
        elif name == "img":
            self.alternative(tag[2])
        elif name in _SKIPPED and self.html[at + 1] != "/":
            close = _SKIPPED[name].search(self.html, tag.end())
            return len(self.html) if close is None else close.start()
        return tag.end()

    def alternative(self, attributes: str) -> None:
        alt = _ALT.search(attributes)
        if alt is not None:
            self.pieces.append(_WHITE.sub(" ", _resolve(alt[1] or alt[2] or alt[3] or "")))


def _resolve(text: str) -> str:
    if "&" not in text:
        return text
    from html import unescape  # noqa: PLC0415 (its tables are a tenth of this package's import time)

    try:
        return unescape(text)
    except ValueError:  # a number of thousands of digits
        return text
