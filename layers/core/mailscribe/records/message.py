"""A message as answers show it: RFC 8621 §4.1 Email plus what SMTP adds."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType, field

from mailscribe.records.address import DeliveredTo, EmailAddress, Envelope
from mailscribe.records.authentication import Authentication, ClaimedResults
from mailscribe.records.report import DeliveryReport, DispositionReport, DmarcReport, FeedbackReport, ReportGist
from mailscribe.records.session import Auth, Client, SessionLink, Tls
from mailscribe.records.value import Value


class HeaderField(Value, frozen=True, kw_only=True):
    """RFC 8621 §4.1.3 header field: name as sent, value raw (unfolded only by the reader)."""

    name: str
    value: str


class Defect(Value, frozen=True, kw_only=True):
    """Something wrong with a message: a code, and where (byte offset into the client's bytes)."""

    code: str
    part_id: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET


class BodyPart(Value, frozen=True, kw_only=True):
    """RFC 8621 §4.1.4 EmailBodyPart, plus the encoded byte range and the hash of attachments."""

    part_id: str | None
    blob_id: str | None
    size: int
    name: str | None
    type: str
    charset: str | None
    disposition: str | None
    cid: str | None
    language: tuple[str, ...] | None
    location: str | None
    sub_parts: "tuple[BodyPart, ...] | None" = None
    encoding: str | UnsetType = UNSET
    range: tuple[int, int] | UnsetType = UNSET
    sha256: str | UnsetType = UNSET


class BodyValue(Value, frozen=True, kw_only=True):
    """RFC 8621 §4.1.4 EmailBodyValue."""

    value: str
    is_encoding_problem: bool = False
    is_truncated: bool = False


class RawLocation(Value, frozen=True, kw_only=True):
    """Where the client's exact bytes begin: object key and offset (length of the trace block)."""

    key: str
    offset: int


class Received(Value, frozen=True, kw_only=True):
    """One parsed Received field (RFC 5321 §4.4); clauses that are absent are null."""

    from_: str | None = field(name="from", default=None)
    by: str | None = None
    with_: str | None = field(name="with", default=None)
    id: str | None = None
    for_: str | None = field(name="for", default=None)
    date: datetime | None = None


Delivery = Literal["mailbox", "terminal", "terminal-or-mailbox", "both"]


class MessageRecord(Value, frozen=True, kw_only=True):
    """RFC 8621 §4.1 Email plus what SMTP adds. `envelope` and `session` are null for other mail."""

    id: str
    blob_id: str
    thread_id: str | UnsetType = UNSET
    size: int
    sha256: str
    received_at: datetime
    sent_at: datetime | None
    message_id: tuple[str, ...] | None
    in_reply_to: tuple[str, ...] | None
    references: tuple[str, ...] | None
    from_: tuple[EmailAddress, ...] | None = field(name="from")
    sender: tuple[EmailAddress, ...] | None
    to: tuple[EmailAddress, ...] | None
    cc: tuple[EmailAddress, ...] | None
    bcc: tuple[EmailAddress, ...] | None
    reply_to: tuple[EmailAddress, ...] | None
    subject: str | None
    headers: tuple[HeaderField, ...]
    body_structure: BodyPart
    body_values: dict[str, BodyValue]
    text_body: tuple[BodyPart, ...]
    html_body: tuple[BodyPart, ...]
    attachments: tuple[BodyPart, ...]
    has_attachment: bool
    preview: str
    envelope: Envelope | None
    delivered_to: tuple[DeliveredTo, ...]
    delivery: Delivery | None
    session: SessionLink | None
    client: Client | None
    helo: str | None
    tls: Tls | None
    auth: Auth | None
    trace: tuple[Received, ...]
    raw: RawLocation
    defects: tuple[Defect, ...]
    parser_version: int
    report: DeliveryReport | DispositionReport | FeedbackReport | DmarcReport | UnsetType = UNSET
    authentication: Authentication | UnsetType = UNSET
    claimed_authentication: tuple[ClaimedResults, ...] | UnsetType = UNSET


class MessageSummary(Value, frozen=True, kw_only=True):
    """A line of a list. `rcptTo` holds at most 20 addresses; `rcptCount` says how many there are."""

    id: str
    received_at: datetime
    from_: tuple[EmailAddress, ...] = field(name="from")
    to: tuple[EmailAddress, ...]
    rcpt_to: tuple[str, ...]
    rcpt_count: int
    mail_from: str | None
    subject: str | None
    preview: str
    size: int
    has_attachment: bool
    session: str | None
    defects: int


class ReportSummary(MessageSummary, frozen=True, kw_only=True):
    """The detail of `report.received`: a line of a list, and the gist of the report."""

    report: ReportGist
