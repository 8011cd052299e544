"""The judge of search: what a query means, evaluated over whole records, one by one.

Written apart from the planner and the index on purpose: it shares the tree and the records with them, nothing else.
It is slow and plain, cuts words by its own few lines and reads values by its own patterns.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import assert_never

from mailscribe.ids import ulid_ms
from mailscribe.query import And, Moment, Node, Not, Operator, Or, Phrase, Prefix, Word
from mailscribe.records import BodyPart, DeliveryReport, EmailAddress, MessageRecord, SessionRecord
from support.brute_words import Leaf, Message, Talk, Thing, is_mailbox, is_under, same, says

__all__ = ["Message", "Talk", "Thing", "answer", "holds", "operators"]


def answer(
    node: Node | None, things: Iterable[Thing], *, before: str | None, after_commit: str | None, limit: int
) -> list[str]:
    """The ids of the matches, newest first."""
    found = [
        thing.id
        for thing in things
        if (node is None or holds(node, thing))
        and (before is None or thing.id < before)
        and (after_commit is None or thing.commit > after_commit)
    ]
    return sorted(found, reverse=True)[:limit]


def holds(node: Node, thing: Thing) -> bool:
    """Whether a query is true of a message or session."""
    match node:
        case And(parts):
            return all(holds(part, thing) for part in parts)
        case Or(parts):
            return any(holds(part, thing) for part in parts)
        case Not(part):
            return not holds(part, thing)
        case Operator(name, leaf):
            return _operator(name, leaf, thing)
        case Word() | Phrase() | Prefix():
            return says(node, _texts(thing))
        case _:
            assert_never(node)


def operators() -> tuple[set[str], set[str]]:
    """The operators of messages and of sessions that are judged."""
    return {*_OF_MESSAGES, "after", "before"}, {*_OF_SESSIONS, "after", "before"}


def _operator(name: str, leaf: Leaf | Moment, thing: Thing) -> bool:
    if isinstance(leaf, Moment):
        return ulid_ms(thing.id) >= leaf.ms if name == "after" else ulid_ms(thing.id) < leaf.ms
    if isinstance(thing, Message):
        return _OF_MESSAGES[name](leaf, thing.record, thing.text)
    return _OF_SESSIONS[name](leaf, thing.record)


def _texts(thing: Thing) -> list[str]:
    if isinstance(thing, Talk):
        return [turn.command for turn in thing.record.turns if turn.command] + _replies(thing.record)
    record = thing.record
    envelope = record.envelope
    fields = (record.from_, record.sender, record.to, record.cc, record.bcc, record.reply_to)
    people = [person for field in fields for person in field or ()]
    paths = [] if envelope is None else [envelope.mail_from.email, *(to.email for to in envelope.rcpt_to)]
    return [
        record.subject or "",
        thing.text,
        *(f"{person.name or ''} {person.email}" for person in people),
        *paths,
        *(part.name or "" for part in record.attachments),
    ]


def _replies(record: SessionRecord) -> list[str]:
    return [line for turn in record.turns if turn.reply for line in turn.reply.lines]


def _is_person(leaf: Leaf, field: tuple[EmailAddress, ...] | None) -> bool:
    if any(is_mailbox(leaf, person.email) for person in field or ()):
        return True
    return "@" not in leaf.text and says(leaf, [person.name or "" for person in field or ()])


def _recipients(record: MessageRecord) -> list[str]:
    addresses = [] if record.envelope is None else [to.email for to in record.envelope.rcpt_to]
    return addresses + [to.email for to in record.delivered_to]


def _addressed(leaf: Leaf, record: MessageRecord) -> bool:
    fields = (record.to, record.cc, record.bcc)
    return any(_is_person(leaf, field) for field in fields) or _any_mailbox(leaf, _recipients(record))


def _any_mailbox(leaf: Leaf, emails: Iterable[str]) -> bool:
    return any(is_mailbox(leaf, email) for email in emails)


def _all_parts(part: BodyPart) -> Iterator[BodyPart]:
    yield part
    for inner in part.sub_parts or ():
        yield from _all_parts(inner)


def _has(leaf: Leaf, record: MessageRecord) -> bool:
    match leaf.text:
        case "attachment":
            return record.has_attachment
        case "html":
            return "text/html" in [part.type for part in record.html_body]
        case _:
            others = [part for part in _all_parts(record.body_structure) if part.type.split("/")[0] not in _TEXTUAL]
            return any(part.disposition == "inline" or (part.cid and not part.disposition) for part in others)


_TEXTUAL = ("text", "multipart")


def _is(leaf: Leaf, record: MessageRecord) -> bool:
    if leaf.text == "defective":
        return record.defects != ()
    if leaf.text == "report":
        return bool(record.report)
    report = record.report
    return isinstance(report, DeliveryReport) and any(each.class_ in ("hard", "soft") for each in report.recipients)


def _header(leaf: Leaf, record: MessageRecord) -> bool:
    name, equals, wanted = leaf.text.partition("=")
    if not equals:
        return any(same(field.name, name, prefix=isinstance(leaf, Prefix)) for field in record.headers)
    values = [field.value for field in record.headers if field.name.lower() == name.lower()]
    return says(type(leaf)(wanted), values)


def _reported(record: MessageRecord) -> tuple[list[str], list[str]]:
    """The statuses and addresses of a report of delivery."""
    if not isinstance(record.report, DeliveryReport):
        return [], []
    recipients = record.report.recipients
    return [each.status for each in recipients if each.status], [each.final_recipient for each in recipients]


def _in_network(leaf: Leaf, record: MessageRecord | SessionRecord) -> bool:
    return record.client is not None and ip_address(record.client.ip) in ip_network(leaf.text)


def _tls(leaf: Leaf, record: MessageRecord | SessionRecord) -> bool:
    return leaf.text.lower() == ("none" if record.tls is None else record.tls.version.lower())


def _compares(leaf: Leaf, number: float) -> bool:
    found = re.fullmatch(r"([<>=]*)(\d+)(ms)?", leaf.text)
    assert found is not None
    return _SIGNS[found[1]](number, int(found[2]))


_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq, "": operator.eq,
}  # fmt: skip


def _duration(leaf: Leaf, record: SessionRecord) -> bool:
    if record.closed_at is None:
        return False
    return _compares(leaf, round((record.closed_at - record.opened_at).total_seconds() * 1000))


def _paths(record: SessionRecord, *verbs: str, least: int = 0, most: int = 1000) -> list[str]:
    """The addresses in commands of these verbs whose reply code lies so."""
    found = []
    for turn in record.turns:
        code = turn.reply.code if turn.reply else 0
        if turn.command and turn.verb in verbs and least <= code <= most:
            found.append(turn.command.split("<")[1].split(">")[0])
    return found


def _code(leaf: Leaf, record: SessionRecord) -> bool:
    pattern = re.compile(leaf.text.replace("x", r"\d"))
    return any(turn.reply and pattern.fullmatch(str(turn.reply.code)) for turn in record.turns)


def _turn(leaf: Leaf, record: SessionRecord) -> bool:
    pattern = re.compile(leaf.text.lower().replace("x", r"\d"))
    told = [f"{turn.verb}/{turn.reply.code}" for turn in record.turns if turn.reply and turn.verb]
    return any(pattern.fullmatch(each.lower()) for each in told)


_OF_MESSAGES: dict[str, Callable[[Leaf, MessageRecord, str], bool]] = {
    "from": lambda leaf, record, _: _is_person(leaf, record.from_),
    "to": lambda leaf, record, _: _is_person(leaf, record.to),
    "cc": lambda leaf, record, _: _is_person(leaf, record.cc),
    "bcc": lambda leaf, record, _: _is_person(leaf, record.bcc),
    "reply-to": lambda leaf, record, _: _is_person(leaf, record.reply_to),
    "addressed": lambda leaf, record, _: _addressed(leaf, record),
    "mailfrom": lambda leaf, record, _: (
        record.envelope is not None and is_mailbox(leaf, record.envelope.mail_from.email)
    ),
    "rcpt": lambda leaf, record, _: _any_mailbox(leaf, _recipients(record)),
    "subject": lambda leaf, record, _: says(leaf, [record.subject or ""]),
    "body": lambda leaf, _, text: says(leaf, [text]),
    "filename": lambda leaf, record, _: says(leaf, [part.name or "" for part in record.attachments]),
    "type": lambda leaf, record, _: any(
        same(part.type, leaf.text, prefix=isinstance(leaf, Prefix))
        for part in (*_all_parts(record.body_structure), *record.attachments)
    ),
    "header": lambda leaf, record, _: _header(leaf, record),
    "larger": lambda leaf, record, _: record.size > int(leaf.text),
    "smaller": lambda leaf, record, _: record.size < int(leaf.text),
    "delivery": lambda leaf, record, _: record.delivery == leaf.text,
    "message-id": lambda leaf, record, _: leaf.text.casefold() in map(str.casefold, record.message_id or ()),
    "in-reply-to": lambda leaf, record, _: leaf.text.casefold() in map(str.casefold, record.in_reply_to or ()),
    "sha256": lambda leaf, record, _: record.sha256 == leaf.text.lower(),
    "thread": lambda leaf, record, _: record.thread_id == leaf.text.lower(),
    "has": lambda leaf, record, _: _has(leaf, record),
    "is": lambda leaf, record, _: _is(leaf, record),
    "status": lambda leaf, record, _: leaf.text in _reported(record)[0],
    "recipient": lambda leaf, record, _: _any_mailbox(leaf, _reported(record)[1]),
    "id": lambda leaf, record, _: record.id == leaf.text,
    "session": lambda leaf, record, _: record.session is not None and record.session.id == leaf.text,
    "helo": lambda leaf, record, _: is_under(leaf, record.helo or ""),
    "ip": lambda leaf, record, _: _in_network(leaf, record),
    "tls": lambda leaf, record, _: record.session is not None and _tls(leaf, record),
    "auth": lambda leaf, record, _: record.auth is not None and record.auth.user.lower() == leaf.text.lower(),
}
_OF_SESSIONS: dict[str, Callable[[Leaf, SessionRecord], bool]] = {
    "session": lambda leaf, record: record.id == leaf.text,
    "mailfrom": lambda leaf, record: _any_mailbox(leaf, _paths(record, "MAIL")),
    "rcpt": lambda leaf, record: _any_mailbox(leaf, _paths(record, "RCPT")),
    "accepted": lambda leaf, record: _any_mailbox(leaf, _paths(record, "MAIL", "RCPT", least=200, most=299)),
    "refused": lambda leaf, record: _any_mailbox(leaf, _paths(record, "MAIL", "RCPT", least=400)),
    "helo": lambda leaf, record: is_under(leaf, record.helo or ""),
    "ip": _in_network,
    "tls": _tls,
    "auth": lambda leaf, record: record.auth is not None and record.auth.user.lower() == leaf.text.lower(),
    "verb": lambda leaf, record: leaf.text in [turn.verb for turn in record.turns],
    "code": _code,
    "turn": _turn,
    "status": lambda leaf, record: leaf.text in [turn.reply.enhanced for turn in record.turns if turn.reply],
    "reply": lambda leaf, record: says(leaf, _replies(record)),
    "messages": lambda leaf, record: _compares(leaf, len(record.messages)),
    "duration": _duration,
    "finding": lambda leaf, record: leaf.text in [finding.code for finding in record.findings],
    "is": lambda _, record: record.state == "open",
    "outcome": lambda leaf, record: leaf.text in record.outcome,
    "end": lambda leaf, record: leaf.text == record.end,
}
