"""The judge of search: what a query means, evaluated over whole records, one by one.

Written apart from the planner and the index on purpose: it shares the tree and the records with them, nothing else.
It is slow and plain, and cuts words by its own few lines.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import assert_never

from mailscribe.ids import ulid_ms
from mailscribe.query import And, Moment, Node, Not, Operator, Or, Phrase, Prefix, Word
from mailscribe.records import EmailAddress, MessageRecord, SessionRecord

_CJK = re.compile(r"([\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3])")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was given to the index."""

    record: MessageRecord
    text: str
    commit: str

    @property
    def id(self) -> str:
        return self.record.id


@dataclass(frozen=True, slots=True)
class Talk:
    """A session as it was given to the index."""

    record: SessionRecord
    commit: str

    @property
    def id(self) -> str:
        return self.record.id


type Thing = Message | Talk
type Leaf = Word | Phrase | Prefix


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
            return _says(node, _texts(thing))
        case _:
            assert_never(node)


def words(text: str) -> list[str]:
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", text.casefold())
        if not ("\u0300" <= char <= "\u036f")  # the accents that the test's alphabet has
    )
    return re.findall(r"[^\W_]+", _CJK.sub(r" \1 ", unicodedata.normalize("NFC", plain)))


def _says(leaf: Leaf, texts: Iterable[str]) -> bool:
    wanted = words(leaf.text)
    return any(_contains(words(text), wanted, prefix=isinstance(leaf, Prefix)) for text in texts)


def _contains(have: Sequence[str], wanted: Sequence[str], *, prefix: bool) -> bool:
    size = len(wanted)
    for start in range(len(have) - size + 1):
        piece = have[start : start + size]
        if list(piece[:-1]) == list(wanted[:-1]) and _same(piece[-1], wanted[-1], prefix=prefix):
            return True
    return False


def _same(have: str, wanted: str, *, prefix: bool) -> bool:
    have, wanted = have.casefold(), wanted.casefold()
    return have.startswith(wanted) if prefix else have == wanted


def _texts(thing: Thing) -> list[str]:
    if isinstance(thing, Talk):
        turns = thing.record.turns
        replies = [line for turn in turns if turn.reply for line in turn.reply.lines]
        return [turn.command for turn in turns if turn.command] + replies
    record = thing.record
    envelope = record.envelope
    people = [*_people(record.from_), *_people(record.to), *_people(record.cc), *_people(record.bcc)]
    paths = [] if envelope is None else [envelope.mail_from.email, *(to.email for to in envelope.rcpt_to)]
    return [
        record.subject or "",
        thing.text,
        *(f"{person.name or ''} {person.email}" for person in people),
        *paths,
        *(part.name or "" for part in record.attachments),
    ]


def _people(field: tuple[EmailAddress, ...] | None) -> tuple[EmailAddress, ...]:
    return field or ()


def _operator(name: str, leaf: Leaf | Moment, thing: Thing) -> bool:
    if isinstance(leaf, Moment):
        return ulid_ms(thing.id) >= leaf.ms if name == "after" else ulid_ms(thing.id) < leaf.ms
    table = _OF_MESSAGES if isinstance(thing, Message) else _OF_SESSIONS
    return table[name](leaf, thing)


def _is_mailbox(leaf: Leaf, email: str) -> bool:
    prefix, wanted = isinstance(leaf, Prefix), leaf.text
    if wanted == "<>":
        return email == ""
    local, _, domain = email.rpartition("@")
    if wanted.startswith("@"):
        return _same(domain, wanted[1:], prefix=prefix)
    if "@" in wanted:
        return _same(email, wanted, prefix=prefix)
    return _same(local, wanted, prefix=prefix) or _is_under(leaf, domain)


def _is_under(leaf: Leaf, domain: str) -> bool:
    labels = domain.split(".")
    return any(_same(".".join(labels[at:]), leaf.text, prefix=isinstance(leaf, Prefix)) for at in range(len(labels)))


def _is_person(leaf: Leaf, field: tuple[EmailAddress, ...] | None) -> bool:
    if any(_is_mailbox(leaf, person.email) for person in _people(field)):
        return True
    return "@" not in leaf.text and _says(leaf, [person.name or "" for person in _people(field)])


def _record(thing: Thing) -> MessageRecord:
    assert isinstance(thing, Message)
    return thing.record


def _talk(thing: Thing) -> SessionRecord:
    assert isinstance(thing, Talk)
    return thing.record


def _mail_from(leaf: Leaf, thing: Thing) -> bool:
    envelope = _record(thing).envelope
    return envelope is not None and _is_mailbox(leaf, envelope.mail_from.email)


def _rcpt(leaf: Leaf, thing: Thing) -> bool:
    envelope = _record(thing).envelope
    addresses = [] if envelope is None else [to.email for to in envelope.rcpt_to]
    addresses += [to.email for to in _record(thing).delivered_to]
    return any(_is_mailbox(leaf, email) for email in addresses)


def _session_of(leaf: Leaf, thing: Thing) -> bool:
    session = _record(thing).session
    return session is not None and session.id == leaf.text


def _commanded(verb: str) -> Callable[[Leaf, Thing], bool]:
    def check(leaf: Leaf, thing: Thing) -> bool:
        commands = [turn.command for turn in _talk(thing).turns if turn.command and turn.verb == verb]
        return any(_is_mailbox(leaf, command.split("<")[1].split(">")[0]) for command in commands)

    return check


def _code(leaf: Leaf, thing: Thing) -> bool:
    pattern = re.compile(leaf.text.replace("x", r"\d"))
    return any(turn.reply and pattern.fullmatch(str(turn.reply.code)) for turn in _talk(thing).turns)


_OF_MESSAGES: dict[str, Callable[[Leaf, Thing], bool]] = {
    "from": lambda leaf, thing: _is_person(leaf, _record(thing).from_),
    "to": lambda leaf, thing: _is_person(leaf, _record(thing).to),
    "cc": lambda leaf, thing: _is_person(leaf, _record(thing).cc),
    "mailfrom": _mail_from,
    "rcpt": _rcpt,
    "subject": lambda leaf, thing: _says(leaf, [_record(thing).subject or ""]),
    "message-id": lambda leaf, thing: leaf.text.casefold() in map(str.casefold, _record(thing).message_id or ()),
    "has": lambda leaf, thing: leaf.text == "attachment" and _record(thing).has_attachment,
    "id": lambda leaf, thing: thing.id == leaf.text,
    "session": _session_of,
}
_OF_SESSIONS: dict[str, Callable[[Leaf, Thing], bool]] = {
    "session": lambda leaf, thing: thing.id == leaf.text,
    "mailfrom": _commanded("MAIL"),
    "rcpt": _commanded("RCPT"),
    "helo": lambda leaf, thing: _is_under(leaf, _talk(thing).helo or ""),
    "ip": lambda leaf, thing: ip_address(_talk(thing).client.ip) in ip_network(leaf.text),
    "verb": lambda leaf, thing: leaf.text in [turn.verb for turn in _talk(thing).turns],
    "code": _code,
    "outcome": lambda leaf, thing: leaf.text in _talk(thing).outcome,
    "end": lambda leaf, thing: leaf.text == _talk(thing).end,
}
