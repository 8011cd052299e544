"""Reports: what each kind says, what is forgiven, and that no octets raise."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message import parse
from mailscribe.message.defects import Defect
from mailscribe.message.report import Delivery, Disposition, Feedback, Recipient, Report, read_report
from mailscribe.message.report_fields import REPORT_RECIPIENTS

BOUNCES = sorted((Path(__file__).parents[4] / "shared" / "corpora" / "bounces").glob("*.eml"))
NAMELESS = {
    "lhost-postfix-50",  # text/plain by its own header; the report stands further down, in a second message
    "lhost-sendmail-54",  # no Content-Type in its header, so no parts
    "lhost-postfix-64",  # its delivery-status names no recipient
    "lhost-x3-05",  # likewise
}
STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")

FAILED = """\
Reporting-MTA: dns; mx.example.org
Original-Envelope-Id: QQ+2B314
Arrival-Date: Tue, 1 Nov 2022 10:00:00 +0000

Original-Recipient: rfc822;bob+2Blists@example.com
Final-Recipient: RFC822; <bob@example.com>
Action: failed
Status: 5.1.1 (no such user)
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 5.1.1 no
 such user

Final-Recipient: rfc822;eve@example.com
Action: delayed
Status: 4.4.1
"""


def reported(
    fields: str, type_: str = "message/delivery-status", returned: str = "message/rfc822", id_: str = "<1@x.org>"
) -> bytes:
    text = (
        "From: <>\nContent-Type: multipart/report; boundary=b\n\n--b\n\nSorry.\n"
        f"--b\nContent-Type: {type_}\n\n{fields}\n--b\nContent-Type: {returned}\n\nMessage-ID: {id_}\n\nhello\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def read(data: bytes) -> Report | None:
    found = read_report(data, parse(data))
    assert not isinstance(found, Defect)
    return found


def recipients(fields: str) -> tuple[Recipient, ...]:
    report = read(reported(fields))
    assert isinstance(report, Delivery)
    return report.recipients


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers", "message/global-headers"])
@pytest.mark.parametrize("type_", [*STATUS_TYPES, "text/plain"])
def test_a_delivery_report(type_: str, returned: str) -> None:
    report = read(reported(FAILED, type_, returned))
    assert isinstance(report, Delivery)
    assert (report.reporting_mta, report.original_envelope_id) == ("mx.example.org", "QQ+314")
    assert report.original_message_id == "1@x.org"
    assert report.arrival_date is not None
    bob, eve = report.recipients
    assert bob == Recipient(
        "bob+lists@example.com", "bob@example.com", "failed", "5.1.1", "mail.example.com",
        "550 5.1.1 no such user", "hard",
    )  # fmt: skip
    assert (eve.final_recipient, eve.class_) == ("eve@example.com", "delayed")


def test_recipients_without_blank_lines_between_them() -> None:
    assert [each.status for each in recipients(FAILED.replace("\n\n", "\n"))] == ["5.1.1", "4.4.1"]


@pytest.mark.parametrize(
    ("fields", "status", "class_"),
    [
        ("Action: failed\nStatus: 4.4.7", "4.4.7", "soft"),
        ("Action: delivered\nStatus: 2.0.0", "2.0.0", "delivered"),
        ("Action: relayed", None, "relayed"),
        ("Action: Expanded (to 3)", None, "expanded"),
        ("Status: 5.2.2", "5.2.2", "hard"),
        ("Action: failed\nDiagnostic-Code: smtp; 452 4.2.2 full", "4.2.2", "soft"),
        ("Action: failed\nStatus: ?\nDiagnostic-Code: smtp; 550 who?", "5.0.0", "hard"),
        ("Action: failed", None, "hard"),
    ],
)
def test_status_and_class(fields: str, status: str | None, class_: str) -> None:
    (recipient,) = recipients(f"Final-Recipient: rfc822;a@x.org\n{fields}\n")
    assert (recipient.status, recipient.class_) == (status, class_)


def test_an_address_beyond_ascii() -> None:
    (recipient,) = recipients("Final-Recipient: utf-8; j\\x{F6}rg@x.org\n")
    assert recipient.final_recipient == "jörg@x.org"


@pytest.mark.parametrize("count", [REPORT_RECIPIENTS - 1, REPORT_RECIPIENTS, REPORT_RECIPIENTS + 1])
def test_recipients_are_capped(count: int) -> None:
    assert len(recipients("Final-Recipient: rfc822;a@x.org\n\n" * count)) == min(count, REPORT_RECIPIENTS)


def test_a_disposition_report() -> None:
    fields = (
        "Final-Recipient: rfc822;a@x.org\nOriginal-Message-ID: <2@x.org>\nDisposition: manual-action/m; displayed\n"
    )
    report = read(reported(fields, "message/disposition-notification"))
    assert report == Disposition("a@x.org", "manual-action/m; displayed", "2@x.org")


def test_a_feedback_report() -> None:
    fields = "Feedback-Type: Abuse\nSource-IP: 192.0.2.1\nOriginal-Mail-From: <s@x.org>\nOriginal-Rcpt-To: <a@x.org>\n"
    report = read(reported(fields + "Original-Rcpt-To: b@x.org\n", "message/feedback-report"))
    assert report == Feedback("abuse", "192.0.2.1", "s@x.org", ("a@x.org", "b@x.org"), "1@x.org")


def test_other_mail_is_no_report() -> None:
    assert read(b"Subject: x\r\n\r\nFinal-Recipient: rfc822;a@x.org\r\n") is None


@given(st.binary(max_size=300))
def test_no_octets_in_a_report_raise(octets: bytes) -> None:
    for type_ in (*STATUS_TYPES, "message/disposition-notification", "message/feedback-report", "text/plain"):
        read(reported("@", type_).replace(b"\r\n@\r\n", b"\r\n" + octets + b"\r\n"))


@given(st.integers(0, len(reported(FAILED))), st.integers(0, 40), st.binary(max_size=20))
def test_no_change_of_a_report_raises(at: int, length: int, octets: bytes) -> None:
    data = reported(FAILED)
    read(data[:at] + octets + data[at + length :])


@pytest.mark.corpus
@pytest.mark.skipif(not BOUNCES, reason="no corpus of reports")
def test_reports_of_many_servers_name_their_recipients() -> None:
    without = []
    for path in BOUNCES:
        data = path.read_bytes()
        report = read(data)
        if any(f"\ncontent-type: {type_}".encode() in data.lower() for type_ in STATUS_TYPES) and not (
            isinstance(report, Delivery) and report.recipients
        ):
            without.append(path.stem)
    assert set(without) == NAMELESS


def test_a_plus_in_a_final_recipient_is_no_escape() -> None:
    octets = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.org\r\n\r\n"
        b"Final-Recipient: rfc822; bob+42@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    )
    report = read_report(octets, parse(octets))
    assert isinstance(report, Delivery)
    assert report.recipients[0].final_recipient == "bob+42@example.com"
