"""From a record to what the index and the lists hold of it: tags, words, summary.

Every tag is made by tags.py and read back by operators.py; every text is cut by words.py. Free words of a message
look in its subject (column `subject`), its body text (column `body`), and in addresses, display names and attachment
names (tags of the field `word`); those of a session in its replies (column `subject`) and commands (column `body`).
Sizes are bounded: a document never grows past its caps whatever the record holds.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import UNSET

from mailscribe.query.content_tags import content_tags
from mailscribe.query.numbers import number_tags
from mailscribe.query.tags import EVERY, address_tags, domain_tags, ip_tag, tag, word_tags
from mailscribe.query.words import BREAK, index_text, join_texts
from mailscribe.records import (
    DeliveryReport,
    EmailAddress,
    Envelope,
    HeaderField,
    IndexDocument,
    MessageRecord,
    MessageSummary,
    SessionRecord,
    SessionSummary,
    Turn,
)

SUMMARY_RECIPIENTS: Final = 20
SUMMARY_TEXT: Final = 1000
"""Longest subject, name or reply in a summary; a list of a hundred must stay an answer."""
INDEXED_TEXT: Final = 262_144
"""Characters of body text, or of a conversation, that are searchable."""
INDEXED_NAMES: Final = 65_536
"""Characters of addresses and attachment names that free words find."""
INDEXED_ADDRESSES: Final = 1000
"""Addresses of one field that are tags."""
INDEXED_SUBJECT: Final = 4096

_PATH: Final = re.compile(
    r'(MAIL\s+FROM|RCPT\s+TO)\s*:\s*(?:<((?:"(?:\\.|[^"\\])*"|[^<>"])*)>|([^\s<>]+))', re.IGNORECASE
)
"""RFC 5321 §4.1.1.2, 3: the path of a command, leniently: white space after the colon, and a path without brackets."""
_SOURCE_ROUTE: Final = re.compile(r"@[^,:@]*(?:,@[^,:@]*)*:")
"""RFC 5321 §4.1.2 A-d-l, at the beginning of a path; the mailbox after it is what counts."""
_FIELDS: Final = {"mail": "mailfrom", "rcpt": "rcpt"}
_REFUSED: Final = 400
"""RFC 5321 §4.2.1: from here on a reply says no, for now or for good."""
_MILLISECOND: Final = timedelta(milliseconds=1)


def message_summary(record: MessageRecord) -> MessageSummary:
    """What a list shows of a message: at most 20 recipients of each kind, and how many the envelope had."""
    recipients = _recipients(record.envelope)
    return MessageSummary(
        id=record.id,
        received_at=record.received_at,
        from_=_shown(record.from_),
        to=_shown(record.to),
        rcpt_to=tuple(map(_cut, recipients[:SUMMARY_RECIPIENTS])),
        rcpt_count=len(recipients),
        mail_from=None if record.envelope is None else _cut(record.envelope.mail_from.email),
        subject=None if record.subject is None else _cut(record.subject),
        preview=_cut(record.preview),
        size=record.size,
        has_attachment=record.has_attachment,
        session=None if record.session is None else record.session.id,
        defects=len(record.defects),
    )


def session_summary(record: SessionRecord) -> SessionSummary:
    """What a list shows of a session: the number of turns, the last reply, each finding once."""
    return SessionSummary(
        id=record.id,
        state=record.state,
        opened_at=record.opened_at,
        closed_at=record.closed_at,
        client=record.client,
        helo=None if record.helo is None else _cut(record.helo),
        tls=record.tls,
        auth=record.auth,
        outcome=record.outcome,
        end=record.end,
        messages=record.messages,
        turns=len(record.turns),
        last_reply=_last_reply(record.turns),
        findings=tuple(dict.fromkeys(finding.code for finding in record.findings)),
    )


def message_document(
    record: MessageRecord, text: str, commit: str, *, headers: Iterable[HeaderField] | None = None
) -> IndexDocument:
    """A message for the index; `text` is its plain text, `commit` its commit sequence.

    `headers` are its fields as a person reads them; those of the record when they are not given.
    """
    return IndexDocument(
        kind="message",
        id=record.id,
        commit=commit,
        size=record.size,
        tags=(*_message_tags(record), *content_tags(record, record.headers if headers is None else headers)),
        subject=index_text((record.subject or "")[:INDEXED_SUBJECT]),
        body=index_text(text[:INDEXED_TEXT]),
        summary=msgspec.Raw(msgspec.json.encode(message_summary(record))),
    )


def session_document(record: SessionRecord, commit: str) -> IndexDocument:
    """A session for the index; `size` counts its turns."""
    return IndexDocument(
        kind="session",
        id=record.id,
        commit=commit,
        size=len(record.turns),
        tags=tuple(dict.fromkeys(_session_tags(record))),
        subject=join_texts(_replies(record.turns), INDEXED_TEXT),
        body=join_texts((turn.command for turn in record.turns if turn.command), INDEXED_TEXT),
        summary=msgspec.Raw(msgspec.json.encode(session_summary(record))),
    )


def _message_tags(record: MessageRecord) -> Iterator[str]:
    yield EVERY
    fields = (
        ("from", record.from_),
        ("to", record.to),
        ("cc", record.cc),
        ("bcc", record.bcc),
        ("reply-to", record.reply_to),
    )
    for field, addresses in fields:
        for address in (addresses or ())[:INDEXED_ADDRESSES]:
            yield from address_tags(field, address.email)
            yield from word_tags(f"{field}.name", address.name or "")
    if record.envelope is not None:
        yield from address_tags("mailfrom", record.envelope.mail_from.email)
    expanded = (delivered.email for delivered in record.delivered_to)
    for email in list(dict.fromkeys((*_recipients(record.envelope), *expanded)))[: 2 * INDEXED_ADDRESSES]:
        yield from address_tags("rcpt", email)
    yield from (tag("message-id", message_id) for message_id in record.message_id or ())
    yield from (tag("in-reply-to", message_id) for message_id in record.in_reply_to or ())
    yield tag("sha256", record.sha256)
    if record.thread_id is not UNSET:
        yield tag("thread", record.thread_id)
    if record.session is not None:
        yield tag("session", record.session.id)
        yield tag("tls", "none" if record.tls is None else record.tls.version)
    yield from _client_tags(record)
    if record.has_attachment:
        yield tag("has", "attachment")
    yield from _report_tags(record)
    yield from _name_tags(record)


def _report_tags(record: MessageRecord) -> Iterator[str]:
    """A bounce is a report of delivery in which a recipient failed, for good or not."""
    report = record.report
    if report is UNSET:
        return
    yield tag("is", "report")
    if not isinstance(report, DeliveryReport):
        return
    recipients = report.recipients[:INDEXED_ADDRESSES]
    if any(recipient.class_ in ("hard", "soft") for recipient in recipients):
        yield tag("is", "bounce")
    yield from (tag("status", status) for status in dict.fromkeys(each.status for each in recipients) if status)
    originals = (each.original_recipient for each in recipients if each.original_recipient is not UNSET)
    for email in dict.fromkeys((*(each.final_recipient for each in recipients), *originals)):
        yield from address_tags("recipient", email)


def _client_tags(record: MessageRecord | SessionRecord) -> Iterator[str]:
    address = None if record.client is None else ip_tag(record.client.ip)
    if address is not None:
        yield address
    if record.helo:
        yield from domain_tags("helo", record.helo)
    if record.auth is not None:
        yield tag("auth", record.auth.user)


def _session_tags(record: SessionRecord) -> Iterator[str]:
    yield EVERY
    yield from _client_tags(record)
    yield tag("tls", "none" if record.tls is None else record.tls.version)
    if record.state == "open":
        yield tag("is", "open")
    if record.closed_at is not None:
        yield from number_tags("duration", max(0, (record.closed_at - record.opened_at) // _MILLISECOND))
    yield from number_tags("messages", len(record.messages))
    yield from (tag("finding", finding.code) for finding in record.findings)
    if record.end is not None:
        yield tag("end", record.end)
    yield from (tag("outcome", outcome) for outcome in record.outcome)
    turns = record.turns  # of a long session most tags are the same: each is made once
    yield from (tag("verb", verb) for verb in dict.fromkeys(turn.verb for turn in turns) if verb)
    replies = [turn.reply for turn in turns if turn.reply is not None]
    pairs = dict.fromkeys((turn.verb, turn.reply.code) for turn in turns if turn.verb and turn.reply is not None)
    yield from (tag("turn", f"{verb}/{code}") for verb, code in pairs)
    yield from (tag("status", code) for code in dict.fromkeys(reply.enhanced for reply in replies) if code)
    yield from (tag("code", str(code)) for code in dict.fromkeys(reply.code for reply in replies))
    for command, code in dict.fromkeys((turn.command, turn.reply.code if turn.reply else None) for turn in turns):
        yield from _path_tags(command or "", code)


def _path_tags(command: str, code: int | None) -> Iterator[str]:
    found = _PATH.match(command)
    if not found:
        return
    path = found[2] if found[3] is None else found[3]
    route = _SOURCE_ROUTE.match(path)
    address = path[route.end() if route else 0 :]
    yield from address_tags(_FIELDS[found[1][:4].lower()], address)
    if code is not None:
        yield from address_tags("accepted" if code < _REFUSED else "refused", address)


def _replies(turns: Iterable[Turn]) -> Iterator[str]:
    return (line for turn in turns if turn.reply is not None for line in turn.reply.lines)


def _name_tags(record: MessageRecord) -> Iterator[str]:
    """The words of addresses and attachment names; a phrase never reaches from one into the next."""
    left = INDEXED_NAMES
    for name in _names(record):
        if left <= 0:
            return
        yield from word_tags("word", name[:left])
        yield BREAK
        left -= len(name)


def _names(record: MessageRecord) -> Iterator[str]:
    """Addresses and attachment names, each once."""
    fields = (record.from_, record.sender, record.to, record.cc, record.bcc, record.reply_to)
    found = [f"{address.name or ''} {address.email}".strip() for field in fields for address in field or ()]
    if record.envelope is not None:
        headers = {address.email for field in fields for address in field or ()}
        envelope = (record.envelope.mail_from.email, *_recipients(record.envelope))
        found += (email for email in envelope if email and email not in headers)
    found += (part.name for part in record.attachments if part.name)
    yield from dict.fromkeys(found)


def _recipients(envelope: Envelope | None) -> tuple[str, ...]:
    return () if envelope is None else tuple(recipient.email for recipient in envelope.rcpt_to)


def _shown(addresses: tuple[EmailAddress, ...] | None) -> tuple[EmailAddress, ...]:
    return tuple(
        EmailAddress(name=None if address.name is None else _cut(address.name), email=_cut(address.email))
        for address in (addresses or ())[:SUMMARY_RECIPIENTS]
    )


def _last_reply(turns: tuple[Turn, ...]) -> str | None:
    reply = next((turn.reply for turn in reversed(turns) if turn.reply is not None), None)
    if reply is None:
        return None
    text = reply.lines[-1] if reply.lines else ""
    if reply.enhanced is not None and not text.startswith(reply.enhanced):
        text = f"{reply.enhanced} {text}"
    return _cut(f"{reply.code} {text}".strip())


def _cut(text: str) -> str:
    return text if len(text) <= SUMMARY_TEXT else text[: SUMMARY_TEXT - 1] + "…"
