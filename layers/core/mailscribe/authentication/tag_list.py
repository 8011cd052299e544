"""Tag-lists: `name=value; name=value` (RFC 6376 §3.2), the form of signatures, seals, key records and policies.

    tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
    tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
    tag-name  = ALPHA *( ALPHA / DIGIT / "_" )

Names are told apart by case, a name that stands twice makes the whole list invalid, and nobody minds unknown ones.
Values are UTF-8 where an internationalised header has it (RFC 8616). One pass; what is no tag-list is a `TagError`.
"""

import re
from base64 import b64decode
from binascii import Error as BinasciiError
from typing import NamedTuple

from mailscribe.authentication.limits import LIMITS, Limits

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*+")
_NOT_VALUE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FWS = b" \t\r\n"
_NUMBER = re.compile(r"[0-9]{1,76}")


class TagError(ValueError):
    """The octets are no tag-list, or a tag has no value of its kind; the text says why."""


class Tag(NamedTuple):
    """A value without the white space around it, and the range between `=` and `;` that it stands in."""

    value: bytes
    start: int
    end: int


class TagList:
    """The tags of one list by name, in their order.

    >>> tags = TagList.parse(b"v=1; b= ab\\r\\n cd ;")
    >>> tags.names, tags.text("v"), tags.base64("b").hex(), tags.text("x")
    (('v', 'b'), '1', '69b71d', None)
    """

    __slots__ = ("_tags",)

    def __init__(self, tags: dict[str, Tag]) -> None:
        self._tags = tags

    @classmethod
    def parse(cls, octets: bytes, limits: Limits = LIMITS) -> "TagList":
        """Read a list; raises `TagError`."""
        if len(octets) > limits.tag_list:
            raise TagError(f"more than {limits.tag_list} octets")
        if _NOT_VALUE.search(octets):
            raise TagError("a control character")
        tags: dict[str, Tag] = {}
        pieces = octets.split(b";")
        at = 0
        for number, piece in enumerate(pieces):
            start, at = at, at + len(piece) + 1
            if not piece.strip(_FWS) and number == len(pieces) - 1:
                break
            name, tag = _tag(piece, start)
            if name in tags:
                raise TagError(f"the tag {name}= stands twice")
            if len(tags) == limits.tags:
                raise TagError(f"more than {limits.tags} tags")
            tags[name] = tag
        return cls(tags)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in their order."""
        return tuple(self._tags)

    def span(self, name: str) -> tuple[int, int]:
        """Where the value stands, white space around it included; raises `TagError` when it does not."""
        tag = self._tags.get(name)
        if tag is None:
            raise TagError(f"no tag {name}=")
        return tag.start, tag.end

    def text(self, name: str) -> str | None:
        """The value as text; None when there is no such tag."""
        tag = self._tags.get(name)
        return None if tag is None else tag.value.decode("utf-8", "replace")

    def required(self, name: str) -> str:
        """The value as text, which must be there and not empty; raises `TagError`."""
        text = self.text(name)
        if not text:
            raise TagError(f"no tag {name}=" if text is None else f"the tag {name}= is empty")
        return text

    def number(self, name: str) -> int | None:
        """The value as a number of decimal digits; raises `TagError` when it is none."""
        text = self.text(name)
        if text is not None and not _NUMBER.fullmatch(text):
            raise TagError(f"the tag {name}= is not a number")
        return None if text is None else int(text)

    def words(self, name: str) -> tuple[str, ...] | None:
        """The value taken apart at colons, without white space around the words; None when there is no such tag."""
        text = self.text(name)
        return None if text is None else tuple(word.strip(" \t\r\n") for word in text.split(":"))

    def base64(self, name: str) -> bytes:
        """The octets of a base64 value, which may be folded; raises `TagError` when it is absent or none."""
        tag = self._tags.get(name)
        if tag is None:
            raise TagError(f"no tag {name}=")
        try:
            return b64decode(tag.value.translate(None, _FWS), validate=True)
        except (BinasciiError, ValueError) as error:
            raise TagError(f"the tag {name}= is not base64") from error


def _tag(piece: bytes, start: int) -> tuple[str, Tag]:
    name, equals, value = piece.partition(b"=")
    name = name.strip(_FWS)
    if not equals:
        raise TagError("a tag without =")
    if not _NAME.fullmatch(name):
        raise TagError("a tag without a name")
    value_start = start + len(piece) - len(value)
    return name.decode("ascii"), Tag(value.strip(_FWS), value_start, start + len(piece))
