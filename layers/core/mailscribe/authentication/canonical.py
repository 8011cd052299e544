"""The two canonical forms of header fields and bodies (RFC 6376 §3.4): octets as the signer saw them.

A signer signs what goes over the wire, where lines end with CRLF. Mail that was kept or made with LF alone is taken
for that text: each LF, with or without CR before it, is a line end; a CR by itself is an octet like another. A body
goes through in pieces of any size and leaves in pieces; what is held back is a count and two flags, so that neither a
body of one line nor one of empty lines needs memory.
"""

import re
from collections.abc import Iterator
from typing import Literal

type Form = Literal["simple", "relaxed"]

_WHITE_RUN = re.compile(rb" {2,}+")
_BLANK_LINES = 1 << 15
"""empty lines that are let go at a time"""
_TABS = bytes.maketrans(b"\t", b" ")


def header_field(octets: bytes, form: Form) -> bytes:
    """A header field, given from its name to before its line end, in a form; still without a line end.

    >>> header_field(b"SUBJect : AbC\\r\\n\\t d ", "relaxed")
    b'subject:AbC d'
    """
    if form == "simple":
        return octets
    name, _, value = octets.partition(b":")
    unfolded = value.replace(b"\r\n", b"").translate(_TABS)
    return name.rstrip(b" \t").lower() + b":" + _WHITE_RUN.sub(b" ", unfolded).strip(b" ")


class BodyCanonicalizer:
    """Brings one body into a form; feed it whole or in pieces, then finish it.

    >>> body = BodyCanonicalizer("relaxed")
    >>> b"".join([*body.feed(b" C \\r\\nD \\t E\\r"), *body.feed(b"\\n\\r\\n"), *body.finish()])
    b' C\\r\\nD E\\r\\n'
    """

    __slots__ = ("_has_cr", "_has_space", "_is_empty", "_is_relaxed", "_lines")

    def __init__(self, form: Form) -> None:
        self._is_relaxed = form == "relaxed"
        self._has_cr = False
        self._has_space = False
        self._lines = 0
        self._is_empty = True

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """What is certain of the form after some more octets of the body."""
        text = b"\r" + octets if self._has_cr else octets
        self._has_cr = text.endswith(b"\r")
        yield from self._take(text[:-1] if self._has_cr else text)

    def finish(self) -> Iterator[bytes]:
        """The rest of the form: no white space or empty lines at the end, but one line end (§3.4.3, §3.4.4)."""
        if self._has_cr:
            self._has_cr = False
            yield from self._take(b"\r")
        if not self._is_empty or not self._is_relaxed:
            yield b"\r\n"

    def _take(self, octets: bytes) -> Iterator[bytes]:
        """Octets of which the last is not the first half of a line end."""
        text = octets.replace(b"\r\n", b"\n")
        if self._is_relaxed:
            text = self._collapse(text)
        content = text.rstrip(b"\n")
        if content:
            for count in _portions(self._lines):
                yield b"\r\n" * count
            self._lines = 0
            self._is_empty = False
            yield content.replace(b"\n", b"\r\n")
        self._lines += len(text) - len(content)

    def _collapse(self, text: bytes) -> bytes:
        """Runs of white space made one space, none before a line end; one at the end waits for what follows."""
        text = text.translate(_TABS)
        if self._has_space and text:
            text = b" " + text
        if b"  " in text:
            text = _WHITE_RUN.sub(b" ", text)
        if text:
            self._has_space = text.endswith(b" ")
        return text.removesuffix(b" ").replace(b" \n", b"\n")


def _portions(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, _BLANK_LINES)
        count -= _BLANK_LINES
