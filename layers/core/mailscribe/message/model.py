"""What the parser says about a message: values only, every text free of lone surrogates.

Names and meanings are those of RFC 8621 §4.1; a property whose header field is absent is None. All offsets
count from the first byte that was given to `parse`; ranges are half open. `part_id` is the part's IMAP section
number (RFC 9051 §6.4.5): "1" for a message that is not multipart, "2" for the second child of the outermost
multipart, "2.1" for the first child of a multipart there; None for a multipart. It follows from the structure
alone, so it never changes for a message. Named tuples, as everywhere in the parser: they are made in less than half
the time of frozen dataclasses, and a small message is made of sixty values; and `dataclasses` takes long to import.
"""

from datetime import datetime
from typing import NamedTuple

from mailscribe.message.defects import Defect

PARSER_VERSION = 3


class Address(NamedTuple):
    """A mailbox (RFC 8621 §4.1.2.3): decoded display name or comment, and addr-spec as near as can be told.

    >>> Address("Mable Merliney", "mable@test.org").email
    'mable@test.org'
    """

    name: str | None
    email: str


class Group(NamedTuple):
    """Mailboxes under a group name; `name` is None for those outside any group (RFC 8621 §4.1.2.4)."""

    name: str | None
    addresses: tuple[Address, ...]


class Field(NamedTuple):
    """A header field: name as sent, value raw with its folds (the octets after the colon), its whole range."""

    name: str
    value: str
    start: int
    end: int


class Part(NamedTuple):
    """A body part (RFC 8621 §4.1.4); its header is `[header_start, body_start)`, its body `[body_start, body_end)`.

    `size` is after transfer decoding (0 for a multipart), `encoding` the lower-case Content-Transfer-Encoding,
    `sha256` that of the decoded bytes, for attachments only. `sub_parts` is None unless the part is multipart.
    `flowed` and `delsp` are the text parameters of RFC 3676.
    """

    part_id: str | None
    type: str
    name: str | None
    charset: str | None
    disposition: str | None
    cid: str | None
    language: tuple[str, ...] | None
    location: str | None
    encoding: str | None
    header_start: int
    body_start: int
    body_end: int
    size: int
    sha256: str | None
    sub_parts: "tuple[Part, ...] | None"
    is_encoding_problem: bool
    flowed: bool = False
    delsp: bool = False


class Text(NamedTuple):
    """A part's text (RFC 8621 §4.1.4 EmailBodyValue): line ends are LF."""

    value: str
    is_encoding_problem: bool = False
    is_truncated: bool = False


class Received(NamedTuple):
    """A Received field (RFC 5321 §4.4) by its clauses; hosts without a trailing dot; None for what is absent."""

    from_: str | None = None
    by: str | None = None
    with_: str | None = None
    id: str | None = None
    for_: str | None = None
    date: datetime | None = None


class ParsedMessage(NamedTuple):
    """A message, or one attached to it. `trace` is newest first, as the fields stand."""

    headers: tuple[Field, ...]
    from_: tuple[Address, ...] | None
    sender: tuple[Address, ...] | None
    to: tuple[Address, ...] | None
    cc: tuple[Address, ...] | None
    bcc: tuple[Address, ...] | None
    reply_to: tuple[Address, ...] | None
    subject: str | None
    message_id: tuple[str, ...] | None
    in_reply_to: tuple[str, ...] | None
    references: tuple[str, ...] | None
    sent_at: datetime | None
    body: Part
    text_body: tuple[Part, ...]
    html_body: tuple[Part, ...]
    attachments: tuple[Part, ...]
    has_attachment: bool
    preview: str
    trace: tuple[Received, ...]
    defects: tuple[Defect, ...]
