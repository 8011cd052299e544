"""The report in a message → the value of its record; names are the record's, meanings the parser's."""

from typing import Final

from msgspec import UNSET, UnsetType

from mailscribe.message.aggregate import Aggregate
from mailscribe.message.report import Delivery, Disposition, Recipient, Report
from mailscribe.records import DeliveryReport, DispositionReport, FeedbackReport, ReportedRecipient
from mailscribe.records.report import AnyReport, DmarcReport, ReportGist
from mailscribe.service.dmarc import dmarc_value

GIST_TEXT: Final = 200
"""characters of what an event says of a report"""


def report_value(report: Report | None) -> AnyReport | UnsetType:
    """The record's value, UNSET where there is no report."""
    if report is None:
        return UNSET
    if isinstance(report, Aggregate):
        return dmarc_value(report)
    if isinstance(report, Delivery):
        return DeliveryReport(
            reporting_mta=report.reporting_mta,
            arrival_date=report.arrival_date or UNSET,
            original_envelope_id=report.original_envelope_id or UNSET,
            original_message_id=report.original_message_id or UNSET,
            recipients=tuple(map(_recipient, report.recipients)),
        )
    if isinstance(report, Disposition):
        return DispositionReport(
            final_recipient=report.final_recipient,
            disposition=report.disposition,
            original_message_id=report.original_message_id,
        )
    return FeedbackReport(
        feedback_type=report.feedback_type,
        source_ip=report.source_ip or UNSET,
        original_mail_from=UNSET if report.original_mail_from is None else report.original_mail_from,
        original_rcpt_to=report.original_rcpt_to,
        original_message_id=report.original_message_id or UNSET,
    )


def gist(report: AnyReport) -> ReportGist:
    """Its type, and what it says in a line."""
    says = _says(report)
    return ReportGist(type=str(report.__struct_config__.tag), says=says[:GIST_TEXT])


def _says(report: AnyReport) -> str:
    match report:
        case DeliveryReport():
            told = [f"{each.final_recipient} {each.class_} {each.status or ''}".strip() for each in report.recipients]
            more = [f"{len(told) - 1} more"] if len(told) > 1 else []
            return ", ".join([*told[:1], *more])
        case DispositionReport():
            return f"{report.final_recipient or ''} {report.disposition}".strip()
        case FeedbackReport():
            return report.feedback_type
        case DmarcReport():
            return f"{report.org or ''} on {report.policy.domain or ''}: {report.messages_total} messages".strip()


def _recipient(recipient: Recipient) -> ReportedRecipient:
    return ReportedRecipient(
        original_recipient=recipient.original_recipient or UNSET,
        final_recipient=recipient.final_recipient,
        action=recipient.action,
        status=recipient.status,
        remote_mta=recipient.remote_mta or UNSET,
        diagnostic=recipient.diagnostic or UNSET,
        class_=recipient.class_,
    )
