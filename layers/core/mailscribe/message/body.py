"""Which parts are the body and which are attachments: the algorithm of RFC 8621 §4.1.4, step by step.

It is written there as a recursive function; here its calls are frames on a list, with the same variables.
"""

from mailscribe.message.structure import Node

_INLINE_MEDIA = ("image/", "audio/", "video/")
_TEXT = ("text/plain", "text/html")

type _Target = tuple[list[Node] | None, list[Node] | None]


class Selection:
    """textBody, htmlBody and attachments."""

    __slots__ = ("attachments", "html", "text")

    def __init__(self) -> None:
        self.text: list[Node] = []
        self.html: list[Node] = []
        self.attachments: list[Node] = []

    @property
    def has_attachment(self) -> bool:
        """Whether there is something to offer for download: an attachment that is not meant inline."""
        return any(part.content.disposition != "inline" for part in self.attachments)

    def attach(self, files: list[Node]) -> None:
        """Add files that stand in the text to the attachments, in the order of their octets."""
        self.attachments = sorted([*self.attachments, *files], key=lambda node: node.header_start)


class _Frame:
    """One call of parseStructure: `text` and `html` are None once this level takes no more of them."""

    __slots__ = ("html", "html_length", "in_alternative", "parts", "subtype", "text", "text_length")

    def __init__(self, parts: list[Node], subtype: str, in_alternative: bool, target: _Target) -> None:
        self.parts = iter(enumerate(parts))
        self.subtype = subtype
        self.in_alternative = in_alternative
        self.text, self.html = target
        self.text_length = -1 if self.text is None else len(self.text)
        self.html_length = -1 if self.html is None else len(self.html)


def select(root: Node) -> Selection:
    """Sort the leaves under `root`."""
    chosen = Selection()
    frames = [_Frame([root], "mixed", False, (chosen.text, chosen.html))]
    while frames:
        frame = frames[-1]
        at, part = next(frame.parts, (0, None))
        if part is None:
            _complete(frames.pop())
        elif part.children is not None:
            subtype = part.content.type.partition("/")[2]
            is_alternative = frame.in_alternative or subtype == "alternative"
            frames.append(_Frame(part.children, subtype, is_alternative, (frame.text, frame.html)))
        elif not _is_inline(part, at, frame.subtype):
            chosen.attachments.append(part)
        elif frame.subtype == "alternative":
            _add_alternative(part, frame, chosen.attachments)
        else:
            _add_inline(part, frame, chosen.attachments)
    return chosen


def _is_inline(part: Node, at: int, subtype: str) -> bool:
    content = part.content
    is_media = content.type.startswith(_INLINE_MEDIA)
    if content.disposition == "attachment" or not (content.type in _TEXT or is_media):
        return False
    # in a multipart/related only the first part is the body; a text with a name, unless first, is an attachment
    return at == 0 or (subtype != "related" and (is_media or not content.name))


def _add_alternative(part: Node, frame: _Frame, attachments: list[Node]) -> None:
    """A form that this level takes no more of (the RFC leaves that open) is offered as an attachment."""
    target = {"text/plain": frame.text, "text/html": frame.html}.get(part.content.type)
    (attachments if target is None else target).append(part)


def _add_inline(part: Node, frame: _Frame, attachments: list[Node]) -> None:
    """What neither body takes (the RFC's algorithm drops it) is offered as an attachment."""
    if frame.in_alternative:
        if part.content.type == "text/plain":
            frame.html = None
        if part.content.type == "text/html":
            frame.text = None
    for target in (frame.text, frame.html):
        if target is not None:
            target.append(part)
    lacking = (frame.text, frame.html).count(None)
    if lacking == 2 or (lacking and part.content.type.startswith(_INLINE_MEDIA)):
        attachments.append(part)


def _complete(frame: _Frame) -> None:
    """At the end of an alternative that had only one form: it serves as the other one too."""
    text, html = frame.text, frame.html
    if frame.subtype != "alternative" or text is None or html is None:
        return
    if len(text) == frame.text_length and len(html) != frame.html_length:
        text.extend(html[frame.html_length :])
    elif len(html) == frame.html_length and len(text) != frame.text_length:
        html.extend(text[frame.text_length :])
