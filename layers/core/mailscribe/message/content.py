"""What the Content- fields of a part say (RFC 2045, RFC 2183, RFC 3282, RFC 2557), with defaults and repairs.

The first field of a name counts. A Content-Type that cannot be read makes the part text/plain (RFC 2045 §5.2).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mailscribe.message.charset import GUESS, codec_of
from mailscribe.message.comment import without_comments
from mailscribe.message.defects import DefectCode
from mailscribe.message.header import raw_text, unfold
from mailscribe.message.limits import Limits
from mailscribe.message.msgid import content_id
from mailscribe.message.parameter import Structured, parse_structured
from mailscribe.message.scan import RawField
from mailscribe.message.transfer import IDENTITIES, Source, known_encoding

TEXT = "text/plain"
MESSAGE = "message/rfc822"

# RFC 2045 §5.1: type "/" subtype
_TYPE = re.compile(r"([!#$%&'*+.^_`{|}~0-9a-z-]+)\s*/\s*([!#$%&'*+.^_`{|}~0-9a-z-]+)")
_COMMON = 64
"""octets up to which a value is worth remembering"""
_COMMON_FIELDS = 256
"""octets up to which all Content- fields of a part are"""
_TAG = re.compile(r"[A-Za-z0-9*-]+")


class Content(NamedTuple):
    """A part's type and how to read it; names and meanings as in `model.Part`. `boundary` in octets as sent.

    `codec` and `coding` are what `charset` and `encoding` mean, None where nobody knows them.
    """

    type: str = TEXT
    charset: str | None = None
    boundary: bytes | None = None
    name: str | None = None
    disposition: str | None = None
    cid: str | None = None
    language: tuple[str, ...] | None = None
    location: str | None = None
    encoding: str | None = None
    codec: str | None = GUESS
    coding: str | None = "7bit"
    flowed: bool = False
    delsp: bool = False
    defects: tuple[DefectCode, ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Whether the declared type has children."""
        return self.type.startswith("multipart/")

    def as_text(self) -> "Content":
        """The same part shown as its raw text, because its children cannot be told apart."""
        return self._replace(
            type=TEXT, charset="us-ascii", boundary=None, encoding=None, codec=GUESS, coding=known_encoding(None)
        )


_PLAIN = Content(charset="us-ascii")
_DIGESTED = Content(type=MESSAGE)
_NOTHING = Structured("", {})


def read_content(data: Source, fields: Iterable[RawField], default: str, limits: Limits) -> Content:
    """Read the Content- fields among `fields`; `default` is the type of a part that names none."""
    found, is_repeated = _content_fields(data, fields, limits)
    if not found:
        return _DIGESTED if default == MESSAGE else _PLAIN
    values = tuple(found.items())
    is_common = sum([len(name) + len(value) for name, value in values]) <= _COMMON_FIELDS
    return (_common_content if is_common else _content)(values, default, is_repeated)


def _content(fields: tuple[tuple[bytes, bytes], ...], default: str, is_repeated: bool) -> Content:
    found = dict(fields)
    kind = _structured(found.get(b"content-type"))
    type_ = default if kind is None else _type(kind.token)
    parameters = kind if kind is not None and type_ is not None else _NOTHING
    disposition = _structured(found.get(b"content-disposition")) or _NOTHING
    encoding = _structured(found.get(b"content-transfer-encoding")) or _NOTHING
    charset = _charset(type_ or TEXT, parameters)
    content = Content(
        type=type_ or TEXT,
        charset=charset,
        boundary=_boundary(parameters, found),
        name=disposition.readable("filename") or parameters.readable("name"),
        disposition=disposition.token or None,
        cid=content_id(_text(found.get(b"content-id")) or ""),
        language=_tags(_text(found.get(b"content-language"))),
        location=_location(_text(found.get(b"content-location"))),
        encoding=encoding.token or None,
        codec=codec_of(charset),
        coding=known_encoding(encoding.token or None),
        flowed=parameters.parameters.get("format", "").lower() == "flowed",
        delsp=parameters.parameters.get("delsp", "").lower() == "yes",
    )
    defects = _defects(content, is_repeated=is_repeated, is_typed=type_ is not None)
    return content._replace(defects=defects) if defects else content


@lru_cache(maxsize=512)
def _common_content(fields: tuple[tuple[bytes, bytes], ...], default: str, is_repeated: bool) -> Content:
    """Most parts say the same."""
    return _content(fields, default, is_repeated)


def _content_fields(data: Source, fields: Iterable[RawField], limits: Limits) -> tuple[dict[bytes, bytes], bool]:
    """First value of each Content- field by lower-case name, and whether one stands twice."""
    found: dict[bytes, bytes] = {}
    is_repeated = False
    for field in fields:
        if field.key.startswith(b"content-"):
            if field.key in found:
                is_repeated = True
            else:
                found[field.key] = data[field.value_start : min(field.value_end, field.value_start + limits.field)]
    return found, is_repeated


def _defects(content: Content, *, is_repeated: bool, is_typed: bool) -> tuple[DefectCode, ...]:
    found = [DefectCode.CONTENT_FIELD_REPEATED] if is_repeated else []
    if not is_typed:
        found.append(DefectCode.CONTENT_TYPE_INVALID)
    if content.is_multipart and content.coding not in IDENTITIES:
        found.append(DefectCode.MULTIPART_ENCODED)
    elif content.coding is None:
        found.append(DefectCode.ENCODING_UNKNOWN)
    if content.codec is None:
        found.append(DefectCode.CHARSET_UNKNOWN)
    return tuple(found)


def _structured(octets: bytes | None) -> Structured | None:
    if octets is None:
        return None
    return _common(octets) if len(octets) <= _COMMON else parse_structured(unfold(raw_text(octets)))


@lru_cache(maxsize=512)
def _common(octets: bytes) -> Structured:
    """Short values are the same in most parts."""
    return parse_structured(unfold(raw_text(octets)))


def _type(token: str) -> str | None:
    match = _TYPE.match(token)
    return f"{match[1]}/{match[2]}" if match else None


def _charset(type_: str, parameters: Structured) -> str | None:
    """RFC 8621 §4.1.4: as sent, us-ascii for text that names none, else null."""
    if not type_.startswith("text/"):
        return None
    return parameters.parameters.get("charset") or "us-ascii"


def _boundary(parameters: Structured, found: dict[bytes, bytes]) -> bytes | None:
    value = parameters.parameters.get("boundary")
    if value is not None and not value.isascii():
        octets = found[b"content-type"].decode("latin-1")
        return parse_structured(unfold(octets)).parameters["boundary"].rstrip().encode("latin-1", "replace")
    return value.rstrip().encode() or None if value else None


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else unfold(raw_text(octets))


def _tags(text: str | None) -> tuple[str, ...] | None:
    return tuple(_TAG.findall(without_comments(text))) or None if text else None


def _location(text: str | None) -> str | None:
    """RFC 2557 §4.4: white space from folding is no part of the URI."""
    return "".join(without_comments(text).split()).strip('"') or None if text else None
