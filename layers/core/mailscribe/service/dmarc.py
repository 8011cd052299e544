"""An aggregate report in a message → the value of its record."""

from msgspec import UNSET

from mailscribe.message.aggregate import Aggregate, PublishedPolicy, Row
from mailscribe.records import report as records


def dmarc_value(report: Aggregate) -> records.DmarcReport:
    """The record's value."""
    return records.DmarcReport(
        org=report.org,
        org_email=report.org_email or UNSET,
        report_id=report.report_id,
        range=records.ReportRange(begin=report.begin, end=report.end),
        policy=_policy(report.policy),
        rows=tuple(map(_row, report.rows)),
        rows_total=report.rows_total,
        messages_total=report.messages_total,
        is_truncated=len(report.rows) < report.rows_total,
    )


def _policy(policy: PublishedPolicy) -> records.PublishedPolicy:
    return records.PublishedPolicy(
        domain=policy.domain,
        adkim=policy.adkim,
        aspf=policy.aspf,
        p=policy.p,
        sp=policy.sp,
        np=policy.np or UNSET,
        pct=policy.pct,
        fo=policy.fo or UNSET,
        testing=policy.testing or UNSET,
    )


def _row(row: Row) -> records.DmarcRow:
    return records.DmarcRow(
        source_ip=row.source_ip,
        count=row.messages,
        disposition=row.disposition,
        dkim=row.dkim,
        spf=row.spf,
        header_from=row.header_from,
        envelope_from=row.envelope_from or UNSET,
        envelope_to=row.envelope_to or UNSET,
        reasons=tuple(records.PolicyReason(type=each.type, comment=each.comment) for each in row.reasons),
        auth_results=records.ReportedResults(
            dkim=tuple(
                records.ReportedDkim(domain=each.domain, selector=each.selector, result=each.result)
                for each in row.dkim_results
            ),
            spf=tuple(
                records.ReportedSpf(domain=each.domain, scope=each.scope, result=each.result)
                for each in row.spf_results
            ),
        ),
    )
