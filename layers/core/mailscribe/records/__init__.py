"""The values that cross part boundaries and leave over the API: one definition for memory, store and JSON.

Field names become camelCase in JSON. A field that may be absent is `UNSET`, one that may be null is `None`.
Names: RFC 8621 (Email, EmailBodyPart, Envelope) and RFC 5321 (session, transaction, reply). No logic here, but
for how mailboxes are compared (`mailbox`, `scope`).
"""

from mailscribe.records.address import DeliveredTo, EmailAddress, Envelope, EnvelopeAddress
from mailscribe.records.catalog import Generations, SegmentRow
from mailscribe.records.document import IndexDocument, Kind
from mailscribe.records.event import Event
from mailscribe.records.message import (
    BodyPart,
    BodyValue,
    Defect,
    Delivery,
    HeaderField,
    MessageRecord,
    MessageSummary,
    RawLocation,
    Received,
)
from mailscribe.records.report import DeliveryReport, DispositionReport, FeedbackReport, ReportedRecipient
from mailscribe.records.scope import Scope
from mailscribe.records.session import (
    Auth,
    Client,
    Content,
    Finding,
    Reply,
    SessionEnd,
    SessionFacts,
    SessionLink,
    SessionRecord,
    SessionSummary,
    Tls,
    Turn,
)
from mailscribe.records.token import TokenRecord
from mailscribe.records.value import Value

__all__ = [
    "Auth",
    "BodyPart",
    "BodyValue",
    "Client",
    "Content",
    "Defect",
    "DeliveredTo",
    "Delivery",
    "DeliveryReport",
    "DispositionReport",
    "EmailAddress",
    "Envelope",
    "EnvelopeAddress",
    "Event",
    "FeedbackReport",
    "Finding",
    "Generations",
    "HeaderField",
    "IndexDocument",
    "Kind",
    "MessageRecord",
    "MessageSummary",
    "RawLocation",
    "Received",
    "Reply",
    "ReportedRecipient",
    "Scope",
    "SegmentRow",
    "SessionEnd",
    "SessionFacts",
    "SessionLink",
    "SessionRecord",
    "SessionSummary",
    "Tls",
    "TokenRecord",
    "Turn",
    "Value",
]
