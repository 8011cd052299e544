"""Typed reports: of delivery (RFC 3464), of disposition (RFC 8098), of abuse (RFC 5965), of DMARC (RFC 7489)."""

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
    original_message: str | UnsetType = UNSET


class DispositionReport(Value, frozen=True, kw_only=True, tag_field="type", tag="disposition"):
    """A report of what a reader did with a message (RFC 8098)."""

    final_recipient: str | None
    disposition: str
    original_message_id: str | None
    original_message: str | UnsetType = UNSET


class FeedbackReport(Value, frozen=True, kw_only=True, tag_field="type", tag="feedback"):
    """A report of abuse (RFC 5965)."""

    feedback_type: str
    source_ip: str | UnsetType = UNSET
    original_mail_from: str | UnsetType = UNSET
    original_rcpt_to: tuple[str, ...]
    original_message_id: str | UnsetType = UNSET
    original_message: str | UnsetType = UNSET


class ReportRange(Value, frozen=True, kw_only=True):
    """The time that a report covers."""

    begin: datetime | None
    end: datetime | None


class PublishedPolicy(Value, frozen=True, kw_only=True):
    """RFC 7489 §6.3: the policy that the reporter found, as it spells it."""

    domain: str | None
    adkim: str | None
    aspf: str | None
    p: str | None
    sp: str | None
    np: str | UnsetType = UNSET
    pct: int | None
    fo: str | UnsetType = UNSET
    testing: str | UnsetType = UNSET


class PolicyReason(Value, frozen=True, kw_only=True):
    """Why a policy was overridden."""

    type: str | None
    comment: str | None


class ReportedDkim(Value, frozen=True, kw_only=True):
    """What came of one signature."""

    domain: str | None
    selector: str | None
    result: str | None


class ReportedSpf(Value, frozen=True, kw_only=True):
    """What came of SPF for one name."""

    domain: str | None
    scope: str | None
    result: str | None


class ReportedResults(Value, frozen=True, kw_only=True):
    """Results before alignment."""

    dkim: tuple[ReportedDkim, ...]
    spf: tuple[ReportedSpf, ...]


class DmarcRow(Value, frozen=True, kw_only=True):
    """Messages of one source that fared alike; `dkim` and `spf` are what DMARC made of them."""

    source_ip: str | None
    count: int | None
    disposition: str | None
    dkim: str | None
    spf: str | None
    header_from: str | None
    envelope_from: str | UnsetType = UNSET
    envelope_to: str | UnsetType = UNSET
    reasons: tuple[PolicyReason, ...]
    auth_results: ReportedResults


class DmarcReport(Value, frozen=True, kw_only=True, tag_field="type", tag="dmarc"):
    """A DMARC aggregate report (RFC 7489 appendix C). Of `rowsTotal` rows those beyond a limit are not in `rows`."""

    org: str | None
    org_email: str | UnsetType = UNSET
    report_id: str | None
    range: ReportRange
    policy: PublishedPolicy
    rows: tuple[DmarcRow, ...]
    rows_total: int
    messages_total: int
    is_truncated: bool = False


type AnyReport = DeliveryReport | DispositionReport | FeedbackReport | DmarcReport


class ReportGist(Value, frozen=True, kw_only=True):
    """What kind of report came, and what it says, in a line for people."""

    type: str
    says: str
