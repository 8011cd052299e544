"""Typed reports: of delivery (RFC 3464), of disposition (RFC 8098), of abuse (RFC 5965)."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType, field

from mailscribe.records.value import Value


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
