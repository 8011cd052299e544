"""Reports: of delivery (RFC 3464, RFC 6533), of disposition (RFC 8098), of abuse (RFC 5965), of DMARC, as values.

`read_report` gives None for what is no report. Never raises, linear, capped; parts of a multipart/report that bear
another type are known by their fields. What a report does not say is None; but a status may be read in the
diagnostic, and a recipient of whom nothing is said has failed.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from mailscribe.message.aggregate import Aggregate
from mailscribe.message.date import parse_date
from mailscribe.message.defects import Defect
from mailscribe.message.dmarc import find_aggregate
from mailscribe.message.model import ParsedMessage, Part
from mailscribe.message.msgid import message_ids
from mailscribe.message.report_fields import (
    REPORT_OCTETS,
    REPORT_RECIPIENTS,
    Fields,
    address,
    original_address,
    read_fields,
    recipient_groups,
    typed,
    xtext,
)
from mailscribe.message.text import beginning
from mailscribe.message.transfer import Source

DeliveryClass = Literal["hard", "soft", "delayed", "delivered", "relayed", "expanded"]


class Recipient(NamedTuple):
    """What became of one recipient (RFC 3464 §2.3)."""

    original_recipient: str | None
    final_recipient: str
    action: str | None
    status: str | None
    remote_mta: str | None
    diagnostic: str | None
    class_: DeliveryClass


class Delivery(NamedTuple):
    """A report of delivery (RFC 3464 §2.2)."""

    reporting_mta: str | None
    arrival_date: datetime | None
    original_envelope_id: str | None
    original_message_id: str | None
    recipients: tuple[Recipient, ...]


class Disposition(NamedTuple):
    """A report of what a reader did (RFC 8098 §3)."""

    final_recipient: str | None
    disposition: str
    original_message_id: str | None


class Feedback(NamedTuple):
    """A report of abuse (RFC 5965 §3)."""

    feedback_type: str
    source_ip: str | None
    original_mail_from: str | None
    original_rcpt_to: tuple[str, ...]
    original_message_id: str | None


type Report = Delivery | Disposition | Feedback | Aggregate
_Kind = Literal["delivery", "disposition", "feedback"]

_TYPES: dict[str, _Kind] = {
    "message/delivery-status": "delivery",
    "message/global-delivery-status": "delivery",
    "message/disposition-notification": "disposition",
    "message/global-disposition-notification": "disposition",
    "message/feedback-report": "feedback",
}
_MARKS: dict[str, _Kind] = {
    "feedback-type": "feedback",
    "disposition": "disposition",
    "final-recipient": "delivery",
    "original-recipient": "delivery",
}
"""What a report of another type is known by, the first that it has."""
_RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
_MESSAGE_FIELDS = frozenset(
    {"reporting-mta", "arrival-date", "original-envelope-id", "dsn-gateway", "received-from-mta"}
)
_GUESSED_PARTS = 8
"""parts of another type that are searched for a report's fields"""
# RFC 3463 §2: status-code = class "." subject "." detail
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)", re.ASCII)
_REPLY = re.compile(r"(?<![\d.])([245])\d\d(?![\d.]*\d)", re.ASCII)
_CLASSES: dict[str, DeliveryClass] = {
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}


def read_report(data: Source, parsed: ParsedMessage) -> Report | Defect | None:
    """The report that a message is, the defect of one of DMARC that cannot be read, or None."""
    leaves = list(_leaves(parsed.body))
    found = next(((_TYPES[part.type], part) for part in leaves if part.type in _TYPES), None)
    if found is None and parsed.body.type == "multipart/report":
        found = _disguised(data, leaves)
    if found is None:
        return find_aggregate(data, parsed, leaves)
    kind, part = found
    octets = _octets(data, part)
    original = _original_id(data, leaves)
    if kind == "delivery":
        return _delivery(octets, original)
    return _disposition(octets, original) if kind == "disposition" else _feedback(octets, original)


def _leaves(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.sub_parts is None:
            yield part
        else:
            waiting.extend(reversed(part.sub_parts))


def _octets(data: Source, part: Part) -> bytes:
    return beginning(data, part, REPORT_OCTETS)[0]


def _disguised(data: Source, leaves: list[Part]) -> tuple[_Kind, Part] | None:
    for part in leaves[:_GUESSED_PARTS]:
        if part.type in _RETURNED:
            continue
        names = {field[0] for field in read_fields(_octets(data, part)) if field is not None}
        for mark, kind in _MARKS.items():
            if mark in names:
                return kind, part
    return None


def _original_id(data: Source, leaves: list[Part]) -> str | None:
    """The Message-ID in the header of the message that was returned."""
    part = next((part for part in leaves if part.type in _RETURNED), None)
    if part is None:
        return None
    is_begun = False
    for field in read_fields(_octets(data, part)):
        if field is None:
            if is_begun:
                return None
            continue
        is_begun = True
        if field[0] == "message-id":
            return next(iter(message_ids(field[1])), None)
    return None


def _delivery(octets: bytes, original: str | None) -> Delivery:
    message, groups = recipient_groups(octets, _MESSAGE_FIELDS)
    mta, arrival = message.get("reporting-mta"), message.get("arrival-date")
    envelope_id = message.get("original-envelope-id")
    return Delivery(
        reporting_mta=typed(mta)[1] or None if mta else None,
        arrival_date=parse_date(arrival) if arrival else None,
        original_envelope_id=xtext(envelope_id) if envelope_id else None,
        original_message_id=original,
        recipients=tuple(_recipient(group) for group in groups),
    )


def _recipient(group: Fields) -> Recipient:
    original = original_address(group.get("original-recipient", ""))
    final = address(group.get("final-recipient", ""))
    words = group.get("action", "").split()
    action = words[0].strip(";,.()").lower() or None if words else None
    diagnostic = typed(group.get("diagnostic-code", ""))[1] or None
    status = _status(group.get("status", ""), diagnostic or "")
    return Recipient(
        original_recipient=original or None,
        final_recipient=final or original,
        action=action,
        status=status,
        remote_mta=typed(group.get("remote-mta", ""))[1] or None,
        diagnostic=diagnostic,
        class_=_class(action, status),
    )


def _status(status: str, diagnostic: str) -> str | None:
    """The status, else that in the diagnostic, else the class of the reply there."""
    found = _STATUS.search(status) or _STATUS.search(diagnostic)
    if found:
        return found[1]
    reply = _REPLY.search(diagnostic)
    return f"{reply[1]}.0.0" if reply else None


def _class(action: str | None, status: str | None) -> DeliveryClass:
    """By the action; a failure, and what names no known action, by the status."""
    known = _CLASSES.get(action or "")
    if known:
        return known
    if status and status.startswith("4"):
        return "soft"
    return "delivered" if status and status.startswith("2") and action != "failed" else "hard"


def _first(octets: bytes) -> tuple[Fields, tuple[str, ...]]:
    """The first field of each name, and all values of Original-Rcpt-To."""
    fields: Fields = {}
    recipients: list[str] = []
    for field in read_fields(octets):
        if field is not None:
            fields.setdefault(*field)
            if field[0] == "original-rcpt-to" and len(recipients) < REPORT_RECIPIENTS:
                recipients.append(address(field[1]))
    return fields, tuple(recipients)


def _disposition(octets: bytes, original: str | None) -> Disposition:
    fields, _ = _first(octets)
    recipient = fields.get("final-recipient") or fields.get("original-recipient") or ""
    ids = message_ids(fields.get("original-message-id", ""))
    return Disposition(address(recipient) or None, fields.get("disposition", ""), ids[0] if ids else original)


def _feedback(octets: bytes, original: str | None) -> Feedback:
    fields, recipients = _first(octets)
    sender = fields.get("original-mail-from")
    return Feedback(
        feedback_type=fields.get("feedback-type", "").lower(),
        source_ip=fields.get("source-ip") or None,
        original_mail_from=None if sender is None else address(sender),
        original_rcpt_to=recipients,
        original_message_id=original,
    )
