"""The bytes of an object → the record of its message, what search knows of it, and what its block says of its session.

Never raises on any bytes. The trace block is believed only where the front end alone may write; it is taken off
first, and what is hashed, measured, parsed and shown are the client's bytes. A block that cannot be read costs the
envelope, never the message. Content that must not be parsed, or whose parsing fails, leaves the record that the
block alone gives, with a defect that says which.
"""

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from msgspec import structs

from mailscribe.ids import is_ulid
from mailscribe.message import PARSER_VERSION, parse, plain_text
from mailscribe.message.defects import Defect as ReportDefect
from mailscribe.message.defects import DefectCode
from mailscribe.message.header import unstructured
from mailscribe.message.report import read_report
from mailscribe.query.document import message_document
from mailscribe.records import BodyPart, Defect, DeliveredTo, IndexDocument, MessageRecord, RawLocation, SessionRecord
from mailscribe.service.block import Block, open_block
from mailscribe.service.content import filled
from mailscribe.service.report import report_value
from mailscribe.service.sessions import open_session
from mailscribe.smtp import Trace

PARSE_ABANDONED: Final = DefectCode.PARSE_ABANDONED.value
"""Defect: parsing did not come to an end before, so the content was left alone."""
PARSE_FAILED: Final = "parse-failed"
"""Defect: parsing raised what it should not have, so the content was left alone."""
TRACE_CORRUPT: Final = "trace-corrupt"
"""Defect: the trace block cannot be read, so nothing is known of the SMTP session."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """An object that holds a message: its id, its key, when it was accepted, and whether it has a trace block."""

    id: str
    key: str
    received_at: datetime
    traced: bool


@dataclass(frozen=True, slots=True)
class Projection:
    """A message as it will be stored, its document still without a commit sequence; `trace` is None if not believed."""

    record: MessageRecord
    document: IndexDocument
    trace: Trace | None

    @property
    def session_id(self) -> str | None:
        """The session that the trace block names, if it names any."""
        return self.trace.session.id if self.trace is not None and is_ulid(self.trace.session.id) else None

    @property
    def session(self) -> SessionRecord | None:
        """What the trace block says of the session, if it says anything; made anew each time, and dear."""
        return None if self.trace is None else told_by(self.trace)


def project(source: Source, data: bytes, *, abandon: bool = False) -> Projection:
    """The projection of an object's bytes; with `abandon` the content is hashed and measured, not parsed."""
    block = open_block(data, source.id) if source.traced else Block(None, 0)
    content = data[block.length :]
    untraced = _untraced(source, block.length, content)
    if block.trace is not None and not abandon:
        with suppress(Exception):  # be it the block or the content that is to blame: found out below, step by step
            return Projection(*_parsed(_traced(untraced, block.trace), content), block.trace)
    bare = _bare(source, block, untraced)
    trace = None if bare.session is None else block.trace
    if abandon:
        return _unparsed(bare, PARSE_ABANDONED, trace)
    try:
        return Projection(*_parsed(bare, content), trace)
    except Exception:  # noqa: BLE001 - the last resort: whatever went wrong, the message is not lost
        _log.exception("message %s could not be parsed", source.id)
        return _unparsed(bare, PARSE_FAILED, trace)


def told_by(trace: Trace) -> SessionRecord | None:
    """What a trace block says of its session; None when that cannot be read or stored. Never raises."""
    if not is_ulid(trace.session.id):
        return None
    try:
        session = open_session(trace)
        _check_encodable(session)
    except Exception:  # noqa: BLE001 - the message must not suffer from what its session was; the session's own object follows
        _log.exception("session %s cannot be read from the trace block of %s", trace.session.id, trace.message_id)
        return None
    return session


def _parsed(bare: MessageRecord, content: bytes) -> tuple[MessageRecord, IndexDocument]:
    """The whole record and what search knows of it. Raises whatever there may be."""
    parsed = parse(content)
    report = read_report(content, parsed)
    if isinstance(report, ReportDefect):
        parsed, report = parsed._replace(defects=(*parsed.defects, report)), None
    record = structs.replace(filled(bare, content, parsed), report=report_value(report))
    headers = (structs.replace(each, value=unstructured(each.value)) for each in record.headers)
    document = message_document(record, plain_text(content, parsed), "", headers=headers)
    _check_encodable(record, document)
    return record, document


def _unparsed(bare: MessageRecord, code: str, trace: Trace | None) -> Projection:
    record = structs.replace(bare, defects=(*bare.defects, Defect(code=code)))
    return Projection(record, message_document(record, "", ""), trace)


def _bare(source: Source, block: Block, record: MessageRecord) -> MessageRecord:
    """The record without anything that its content says, from one without what its block says."""
    if block.trace is not None:
        try:
            traced = _traced(record, block.trace)
            _check_encodable(traced, message_document(traced, "", ""))
        except Exception:  # noqa: BLE001 - a block that parses and still holds what no record can: as good as corrupt
            _log.exception("trace block of message %s cannot be mapped", source.id)
        else:
            return traced
    if source.traced:
        _log.error("message %s: its trace block cannot be read", source.id)
        return structs.replace(record, defects=(Defect(code=TRACE_CORRUPT),))
    return record


def _untraced(source: Source, offset: int, content: bytes) -> MessageRecord:
    size = len(content)
    return MessageRecord(
        id=source.id,
        blob_id=source.id,
        size=size,
        sha256=hashlib.sha256(content).hexdigest(),
        received_at=source.received_at,
        sent_at=None,
        message_id=None,
        in_reply_to=None,
        references=None,
        from_=None,
        sender=None,
        to=None,
        cc=None,
        bcc=None,
        reply_to=None,
        subject=None,
        headers=(),
        body_structure=_opaque(source.id, size),
        body_values={},
        text_body=(),
        html_body=(),
        attachments=(),
        has_attachment=False,
        preview="",
        envelope=None,
        delivered_to=(),
        delivery=None,
        session=None,
        client=None,
        helo=None,
        tls=None,
        auth=None,
        trace=(),
        raw=RawLocation(key=source.key, offset=offset),
        defects=(),
        parser_version=PARSER_VERSION,
    )


def _opaque(ulid: str, size: int) -> BodyPart:
    """The body of a message of which only the size is known."""
    return BodyPart(
        part_id="1",
        blob_id=f"{ulid}.1",
        size=size,
        name=None,
        type="application/octet-stream",
        charset=None,
        disposition=None,
        cid=None,
        language=None,
        location=None,
        range=(0, size),
    )


def _traced(record: MessageRecord, trace: Trace) -> MessageRecord:
    recipients = dict.fromkeys(each.email for each in trace.envelope.rcpt_to)
    return structs.replace(
        record,
        envelope=trace.envelope,
        delivered_to=trace.delivered_to or tuple(DeliveredTo(email=each) for each in recipients),
        delivery=trace.delivery,
        session=trace.session,
        client=trace.client,
        helo=trace.helo,
        tls=trace.tls,
        auth=trace.auth,
    )


def _check_encodable(*values: msgspec.Struct) -> None:
    """Raise here, where there is a way out, what would be raised when the rows are made."""
    for value in values:
        msgspec.json.encode(value)
