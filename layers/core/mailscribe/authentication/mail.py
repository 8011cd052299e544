"""A message as a signature sees it: header fields in the order and spelling they came in, and a range that is body.

Fields are found by the parser's own scanner, so a record and a verdict speak of the same fields. A line end is CRLF
in what is given out (see `canonical`). Octets of the body are read in pieces; there is never a second copy of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from mailscribe.authentication.canonical import BodyCanonicalizer, Form, header_field
from mailscribe.authentication.limits import LIMITS, Limits
from mailscribe.message.defects import DefectCode
from mailscribe.message.limits import LIMITS as PARSER_LIMITS
from mailscribe.message.scan import RawField, scan_header
from mailscribe.message.transfer import Source

PIECE = 1 << 18
"""octets of the body that are read at a time"""
_CUT_OFF = {DefectCode.HEADER_TOO_LARGE, DefectCode.HEADER_TOO_MANY_FIELDS}


@dataclass(frozen=True, slots=True)
class Mail:
    """The header fields of a message and where its body begins; not `is_whole` when a limit cut fields off."""

    data: Source
    fields: tuple[RawField, ...]
    body_start: int
    is_whole: bool

    @classmethod
    def read(cls, data: Source, limits: Limits = LIMITS) -> "Mail":
        """Find the header; never raises."""
        bounds = PARSER_LIMITS._replace(header_block=limits.header_block, fields=limits.fields)
        header = scan_header(data, 0, len(data), bounds)
        is_whole = header.body_start <= limits.header_block and not any(code in _CUT_OFF for code, _ in header.defects)
        return cls(data, tuple(header.fields), header.body_start, is_whole)

    def named(self, name: bytes) -> tuple[RawField, ...]:
        """The fields of a name in lower case, first to last."""
        return tuple(field for field in self.fields if field.key == name)

    def octets(self, field: RawField) -> bytes:
        """A field from its name to before its line end."""
        return _with_crlf(self.data[field.start : field.end]).removesuffix(b"\r\n")

    def value(self, field: RawField) -> bytes:
        """What stands behind the colon of a field."""
        return _with_crlf(self.data[field.value_start : field.value_end])

    def selected(self, names: tuple[str, ...], *, without: RawField) -> Iterator[RawField]:
        """The fields that a signature covers, by its `h=` (RFC 6376 §5.4.2): each name takes the last one left.

        A name of which no field is left takes nothing: whoever adds one breaks the signature. `without` is the
        signature itself, which could not be listed when it was made.
        """
        left: dict[bytes, list[RawField]] = {}
        for field in self.fields:
            if field is not without:
                left.setdefault(field.key, []).append(field)
        for name in names:
            fields = left.get(name.encode().lower())
            if fields:
                yield fields.pop()

    def header_digest(self, names: tuple[str, ...], signature: RawField, emptied: bytes, form: Form) -> bytes:
        """SHA-256 of the fields that are signed and of the signature with its `b=` `emptied` (RFC 6376 §3.7)."""
        digest = sha256()
        for field in self.selected(names, without=signature):
            digest.update(header_field(self.octets(field), form) + b"\r\n")
        digest.update(header_field(emptied, form))
        return digest.digest()

    def body_digests(self, wanted: frozenset["BodyPart"]) -> dict["BodyPart", "BodyDigest"]:
        """Hashes of the body in each form and length that is wanted; the body is read once."""
        bodies = {form: BodyCanonicalizer(form) for form in {part.form for part in wanted}}
        digests = {part: BodyDigest(part.length) for part in wanted}
        for form, octets in _canonical(self._body_pieces(), bodies):
            for part, digest in digests.items():
                if part.form == form:
                    digest.update(octets)
        return digests

    def _body_pieces(self) -> Iterator[bytes]:
        for at in range(self.body_start, len(self.data), PIECE):
            yield self.data[at : at + PIECE]


@dataclass(frozen=True, slots=True)
class BodyPart:
    """What of a body is hashed: a form, and its first `length` octets or all."""

    form: Form
    length: int | None


class BodyDigest:
    """The hash of a canonical body or its beginning, and how long the body is."""

    __slots__ = ("_hash", "_left", "size")

    def __init__(self, length: int | None) -> None:
        self._hash = sha256()
        self._left = length
        self.size = 0

    def update(self, octets: bytes) -> None:
        """Some more octets of the canonical body."""
        self.size += len(octets)
        if self._left is None:
            self._hash.update(octets)
        elif self._left > 0:
            self._hash.update(octets[: self._left])
            self._left -= min(self._left, len(octets))

    def digest(self) -> bytes:
        """SHA-256 of what was wanted."""
        return self._hash.digest()


def _canonical(pieces: Iterator[bytes], bodies: dict[Form, BodyCanonicalizer]) -> Iterator[tuple[Form, bytes]]:
    for piece in pieces:
        for form, body in bodies.items():
            for octets in body.feed(piece):
                yield form, octets
    for form, body in bodies.items():
        for octets in body.finish():
            yield form, octets


def _with_crlf(octets: bytes) -> bytes:
    if octets.count(b"\n") != octets.count(b"\r\n"):
        octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return octets
