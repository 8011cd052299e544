"""The values that cross part boundaries and leave over the API: one definition for memory, store and JSON.

Field names become camelCase in JSON. A field that may be absent is `UNSET`, one that may be null is `None`.
Names: RFC 8621 (Email, EmailBodyPart, Envelope) and RFC 5321 (session, transaction, reply). No logic here.
"""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType, field


class Value(Struct, frozen=True, rename="camel", kw_only=True):
    """Base of all records: frozen, compared by value, camelCase in JSON."""


class EmailAddress(Value, frozen=True, kw_only=True):
    """RFC 8621 §4.1.2.3: display name (decoded) and addr-spec."""

    name: str | None
    email: str


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


class EnvelopeAddress(Value, frozen=True, kw_only=True):
    """RFC 8621 §7 Address: mailbox and its MAIL or RCPT parameters (null: a keyword without a value)."""

    email: str
    parameters: dict[str, str | None] | None = None


class Envelope(Value, frozen=True, kw_only=True):
    """RFC 8621 §7 Envelope, from SMTP, never from header fields. The null reverse-path is ``""``."""

    mail_from: EnvelopeAddress
    rcpt_to: tuple[EnvelopeAddress, ...]


class DeliveredTo(Value, frozen=True, kw_only=True):
    """A recipient after aliases and lists; `via` is the one that the client named."""

    email: str
    via: str | UnsetType = UNSET


class Client(Value, frozen=True, kw_only=True):
    """The SMTP client's address as the server saw it."""

    ip: str
    port: int
    name: str | UnsetType = UNSET


class Tls(Value, frozen=True, kw_only=True):
    """What TLS was negotiated."""

    version: str
    cipher: str
    sni: str | None = None


class Auth(Value, frozen=True, kw_only=True):
    """Who authenticated, and by which SASL mechanism. Never a secret."""

    mechanism: str
    user: str


class SessionLink(Value, frozen=True, kw_only=True):
    """The session and the transaction in it (1-based) by which a message came."""

    id: str
    transaction: int


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


class ReportedRecipient(Value, frozen=True, kw_only=True):
    """RFC 3464 §2.3: what became of a recipient. `class` of a failure is hard, or soft where its status is 4.x.x."""

    original_recipient: str | UnsetType = UNSET
    final_recipient: str
    action: str | None
    status: str | None
    remote_mta: str | UnsetType = UNSET
    diagnostic: str | UnsetType = UNSET
    class_: Literal["hard", "soft", "delayed", "delivered", "relayed", "expanded"] = field(name="class")


class DeliveryReport(Value, frozen=True, kw_only=True, tag_field="type", tag="delivery"):
    """A report of delivery (RFC 3464, RFC 6533)."""

    reporting_mta: str | None
    arrival_date: datetime | UnsetType = UNSET
    original_envelope_id: str | UnsetType = UNSET
    original_message_id: str | UnsetType = UNSET
    recipients: tuple[ReportedRecipient, ...]


class DispositionReport(Value, frozen=True, kw_only=True, tag_field="type", tag="disposition"):
    """A report of what a reader did with a message (RFC 8098)."""

    final_recipient: str | None
    disposition: str
    original_message_id: str | None


class FeedbackReport(Value, frozen=True, kw_only=True, tag_field="type", tag="feedback"):
    """A report of abuse (RFC 5965)."""

    feedback_type: str
    source_ip: str | UnsetType = UNSET
    original_mail_from: str | UnsetType = UNSET
    original_rcpt_to: tuple[str, ...]
    original_message_id: str | UnsetType = UNSET


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
    report: DeliveryReport | DispositionReport | FeedbackReport | UnsetType = UNSET


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


class Reply(Value, frozen=True, kw_only=True):
    """An SMTP reply (RFC 5321 §4.2): code, enhanced code (RFC 2034) if one was given, text lines."""

    code: int
    enhanced: str | None
    lines: tuple[str, ...]


class Content(Value, frozen=True, kw_only=True):
    """What became of the bytes after DATA or BDAT: size after dot-unstuffing, lines, hash, acceptance.

    Of BDAT, size and lines of that chunk, the hash of the content up to its end. `message` is the message that it is,
    `refused` the id under which refused content was kept; `discarded`: a rule had it accepted and thrown away.
    """

    bytes: int
    lines: int
    sha256: str
    accepted: bool
    message: str | UnsetType = UNSET
    refused: str | UnsetType = UNSET
    discarded: bool | UnsetType = UNSET


class Turn(Value, frozen=True, kw_only=True):
    """A command with its reply. `at` and `latencyMs` in milliseconds; `at` counts from the opening.

    The greeting is turn 0, verb null; `DATA` and `EOD` are two turns. `transaction` (1-based) is set on
    the turns from MAIL to the end of that transaction. `reply` is null when none was sent. `rule` names the rule that
    decided, and what it did.
    """

    seq: int
    at: float
    verb: str | None
    command: str | None
    reply: Reply | None
    latency_ms: float | None
    transaction: int | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    message: str | UnsetType = UNSET
    exchanges: tuple[str, ...] | UnsetType = UNSET
    rule: str | UnsetType = UNSET


class Finding(Value, frozen=True, kw_only=True):
    """Something worth knowing about the conversation, with the turn where it was seen."""

    code: str
    turn: int


SessionEnd = Literal["quit", "aborted", "timeout", "policy", "shutdown", "lost"]


class SessionFacts(Value, frozen=True, kw_only=True):
    """What a session and its line in a list have in common."""

    id: str
    state: Literal["open", "closed"]
    opened_at: datetime
    closed_at: datetime | None
    client: Client
    helo: str | None
    tls: Tls | None
    auth: Auth | None
    outcome: tuple[str, ...]
    end: SessionEnd | None
    messages: tuple[str, ...]


class SessionRecord(SessionFacts, frozen=True, kw_only=True):
    """A session, whole. While `state` is open it is known only from its messages' trace blocks."""

    listener: str
    findings: tuple[Finding, ...]
    turns: tuple[Turn, ...]


class SessionSummary(SessionFacts, frozen=True, kw_only=True):
    """A line of a list of sessions; `turns` counts them, `lastReply` is the last reply's code and text."""

    turns: int
    last_reply: str | None
    findings: tuple[str, ...]


class Event(Value, frozen=True, kw_only=True):
    """What `/v1/events` and EventBridge carry: at least once, always the same `id`, after the record is readable.

    `detail` is the JSON of the list summary; `keys` are the object keys of what it speaks of. Two types are
    entries of the feed only, for readers that keep an index warm, and are never published: `session.opened`
    (an open session became known, or more of it) and `message.removed` (`detail` is `{"id": …}`).
    """

    v: Literal[1] = 1
    id: str
    type: Literal["message.received", "session.closed", "report.received", "session.opened", "message.removed"]
    at: datetime
    detail: Raw
    keys: tuple[str, ...]


Kind = Literal["message", "session"]


class IndexDocument(Value, frozen=True, kw_only=True):
    """What search knows of a message or session: exact tags, words, and the summary that a list shows.

    `commit` is the commit sequence (a ULID made when the record became readable); `size` in bytes.
    `summary` is the JSON of a MessageSummary or SessionSummary.
    """

    kind: Kind
    id: str
    commit: str
    size: int
    tags: tuple[str, ...]
    subject: str
    body: str
    summary: Raw


class TokenRecord(Value, frozen=True, kw_only=True):
    """A bearer token as stored under the SHA-256 of its text: name, scopes, recipient patterns, expiry."""

    name: str
    scopes: tuple[Literal["read", "delete", "admin"], ...]
    recipients: tuple[str, ...] = ("*",)
    created_at: datetime
    expires_at: datetime | None = None
