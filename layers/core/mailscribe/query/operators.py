"""THE table of operators: name, kinds, value, what it plans to, and the line of documentation.

The parser asks it whether a name is known and how its value reads, the planner what the value means in terms of the
index; the reference page and the completion data are made from it. To add an operator, add a row here and, when it
needs a new tag, a line in document.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from mailscribe.ids import make_ulid
from mailscribe.query import values
from mailscribe.query.content_tags import field_name
from mailscribe.query.expression import Columns, Expression, Match, Since, conjunction, disjunction, exact, negation
from mailscribe.query.numbers import compared
from mailscribe.query.tags import ip_prefixes, tag, tag_prefix, word_tags
from mailscribe.query.tree import Moment, Operator, OperatorValue, Prefix, Text
from mailscribe.query.values import ValueType
from mailscribe.query.words import tokens
from mailscribe.records import Delivery, Kind, SessionEnd
from mailscribe.records.mailbox import canonical, canonical_domain

type Plan = Callable[[OperatorValue], Expression]

_LAST_MS: Final = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class OperatorSpec:
    """One operator. `plan` is None for one that its value's reader turns into others (`on:` into after, before)."""

    name: str
    kinds: tuple[Kind, ...]
    value: ValueType
    plan: Plan | None
    doc: str
    example: str


def _text(value: OperatorValue) -> Text:
    if isinstance(value, Moment):
        raise TypeError("a moment where the operator table promises text")
    return value


def _exactly(name: str) -> Plan:
    return lambda value: exact(tag(name, _text(value).text))


def _within(columns: Columns) -> Plan:
    def plan(value: OperatorValue) -> Expression:
        text = _text(value)
        return Match(columns, tokens(text.text), prefix=isinstance(text, Prefix))

    return plan


def _file_name(value: OperatorValue) -> Expression:
    text = _text(value)
    return Match("tags", word_tags("filename", text.text), prefix=isinstance(text, Prefix))


def _media_type(value: OperatorValue) -> Expression:
    text = _text(value)
    return _whole("type", text, text.text)


def _header(value: OperatorValue) -> Expression:
    text = _text(value)
    name, equals, words = text.text.partition("=")
    if not equals:
        return _whole("header", type(text)(field_name(name)), field_name(name))
    return Match("tags", word_tags(f"header.{field_name(name)}", words), prefix=isinstance(text, Prefix))


def _size(sign: Literal[">", "<"]) -> Plan:
    return lambda value: compared("size", sign, int(_text(value).text))


def _number(name: str) -> Plan:
    return lambda value: compared(name, *values.comparison(_text(value).text))


def _domain(field: str, value: Text) -> Expression:
    bare = value.text.removeprefix("@")
    if isinstance(value, Prefix):
        return Match("tags", (tag_prefix(f"{field}.domain", bare),), prefix=True)
    return exact(tag(f"{field}.domain", canonical_domain(bare)))


def _under(field: str, value: Text) -> Expression:
    if isinstance(value, Prefix):
        return Match("tags", (tag_prefix(f"{field}.under", value.text),), prefix=True)
    return exact(tag(f"{field}.under", canonical_domain(value.text)))


def _whole(name: str, value: Text, spelled: str) -> Expression:
    if isinstance(value, Prefix):
        return Match("tags", (tag_prefix(name, value.text),), prefix=True)
    return exact(tag(name, spelled))


def _mailbox(field: str, value: Text) -> Expression:
    """A full address, `@domain`, or either of a local part and a domain with those below it."""
    if value.text == "<>":
        return exact(tag(field, "<>"))
    if value.text.startswith("@"):
        return _domain(field, value)
    if "@" in value.text:
        return _whole(field, value, canonical(value.text))
    return disjunction((_whole(f"{field}.local", value, value.text), _under(field, value)))


def _path(field: str) -> Plan:
    return lambda value: _mailbox(field, _text(value))


def _named(field: str) -> Plan:
    def plan(value: OperatorValue) -> Expression:
        text = _text(value)
        mailbox = _mailbox(field, text)
        if "@" in text.text:
            return mailbox
        words = word_tags(f"{field}.name", text.text)
        name = Match("tags", words, prefix=isinstance(text, Prefix))
        return disjunction((mailbox, name)) if words else mailbox

    return plan


def _host(field: str) -> Plan:
    return lambda value: _under(field, _text(value))


def _codes(value: OperatorValue) -> Expression:
    return _code("code", "", _text(value).text)


def _turn(value: OperatorValue) -> Expression:
    verb, _, code = _text(value).text.lower().partition("/")
    return _code("turn", f"{verb}/", code)


def _code(name: str, before: str, code: str) -> Expression:
    """A reply code, or with `x` in it all that begin so."""
    digits = code.rstrip("x")
    if digits == code:
        return exact(tag(name, before + code))
    return Match("tags", (tag_prefix(name, before + digits),), prefix=True)


def _addressed(value: OperatorValue) -> Expression:
    text = _text(value)
    return disjunction((*(_named(field)(text) for field in ("to", "cc", "bcc")), _path("rcpt")(text)))


def _networks(value: OperatorValue) -> Expression:
    prefixes = ip_prefixes(values.network(_text(value).text))
    return disjunction(tuple(Match("tags", (prefix,), prefix=True) for prefix in prefixes))


def _since(value: OperatorValue) -> Expression:
    if not isinstance(value, Moment):
        raise TypeError("text where the operator table promises a moment")
    return Since(make_ulid(min(max(value.ms, 0), _LAST_MS), 0))


def _until(value: OperatorValue) -> Expression:
    return negation(_since(value))


def _itself(value: OperatorValue) -> Expression:
    ulid = _text(value).text
    return conjunction((Since(ulid), negation(Since(ulid + "0"))))


_BOTH: Final[tuple[Kind, ...]] = ("message", "session")
_MESSAGE: Final[tuple[Kind, ...]] = ("message",)
_SESSION: Final[tuple[Kind, ...]] = ("session",)

OPERATORS: Final = (
    OperatorSpec("from", _MESSAGE, values.ADDRESS, _named("from"), "The author in the header.", "from:alice"),
    OperatorSpec("to", _MESSAGE, values.ADDRESS, _named("to"), "A recipient in To.", "to:@example.com"),
    OperatorSpec("cc", _MESSAGE, values.ADDRESS, _named("cc"), "A recipient in Cc.", "cc:bob@example.com"),
    OperatorSpec("bcc", _MESSAGE, values.ADDRESS, _named("bcc"), "A recipient in Bcc.", "bcc:bob@example.com"),
    OperatorSpec("reply-to", _MESSAGE, values.ADDRESS, _named("reply-to"), "Where answers go.", "reply-to:alice"),
    OperatorSpec(
        "addressed", _MESSAGE, values.ADDRESS, _addressed,
        "A recipient in To, Cc, Bcc or the envelope.", "addressed:bob@example.com",
    ),
    OperatorSpec(
        "in-reply-to", _MESSAGE, values.MESSAGE_ID, _exactly("in-reply-to"),
        "The Message-ID that it answers, exactly.", "in-reply-to:<1@example.com>",
    ),
    OperatorSpec(
        "sha256", _MESSAGE, values.SHA256, _exactly("sha256"), "The hash of its bytes.", f"sha256:{'0' * 64}"
    ),
    OperatorSpec(
        "thread", _MESSAGE, values.THREAD, _exactly("thread"),
        "The thread, by the threadId of its messages.", f"thread:t{'0' * 31}",
    ),
    OperatorSpec(
        "rcpt", _BOTH, values.PATH, _path("rcpt"),
        "A recipient of the envelope, before or after expansion; for sessions a refused one too.", "rcpt:bob",
    ),
    OperatorSpec(
        "mailfrom", _BOTH, values.PATH, _path("mailfrom"),
        "The sender of the envelope, <> for none; for sessions a refused one too.", "mailfrom:<>",
    ),
    OperatorSpec(
        "subject", _MESSAGE, values.WORDS, _within("subject"), "Words in the subject.", 'subject:"your order"'
    ),
    OperatorSpec("body", _MESSAGE, values.WORDS, _within("body"), "Words in the body text alone.", "body:invoice"),
    OperatorSpec(
        "filename", _MESSAGE, values.WORDS, _file_name, "Words in the name of an attachment.", "filename:report*"
    ),
    OperatorSpec(
        "type", _MESSAGE, values.MEDIA_TYPE, _media_type, "The media type of a part, of the whole too.", "type:image/*"
    ),
    OperatorSpec(
        "header", _MESSAGE, values.HEADER, _header,
        "A header field that is present; with = and words, one that has them next to one another in its value.",
        "header:List-Id=news",
    ),
    OperatorSpec(
        "larger", _MESSAGE, values.SIZE, _size(">"), "Of more octets than that (k = 1024).", "larger:1.5m"
    ),
    OperatorSpec(
        "smaller", _MESSAGE, values.SIZE, _size("<"), "Of fewer octets than that (k = 1024).", "smaller:20k"
    ),
    OperatorSpec(
        "delivery", _MESSAGE, values.choice(*get_args(Delivery)), _exactly("delivery"),
        "How it was to be delivered: MAIL, SEND, SOML or SAML.", "delivery:terminal",
    ),
    OperatorSpec(
        "message-id", _MESSAGE, values.MESSAGE_ID, _exactly("message-id"),
        "The Message-ID, exactly.", "message-id:<1@example.com>",
    ),
    OperatorSpec(
        "has", _MESSAGE, values.choice("attachment", "inline", "html"), _exactly("has"),
        "What it holds: something to download, something shown in its place within the text, or HTML.",
        "has:attachment",
    ),
    OperatorSpec(
        "is", _MESSAGE, values.choice("bounce", "report", "defective"), _exactly("is"),
        "What it is; defective is one with something wrong in its form.", "is:bounce",
    ),
    OperatorSpec(
        "status", _MESSAGE, values.STATUS, _exactly("status"), "A status in a report of delivery.", "status:5.1.1"
    ),
    OperatorSpec(
        "recipient", _MESSAGE, values.ADDRESS, _path("recipient"),
        "A recipient that a delivery report tells of.", "recipient:bob@example.com",
    ),
    OperatorSpec("id", _MESSAGE, values.ULID, _itself, "That one message.", "id:01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    OperatorSpec(
        "session", _MESSAGE, values.ULID, _exactly("session"),
        "Messages that came by that session.", "session:01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ),
    OperatorSpec(
        "session", _SESSION, values.ULID, _itself, "That one session.", "session:01ARZ3NDEKTSV4RRFFQ69G5FAV"
    ),
    OperatorSpec("after", _BOTH, values.MOMENT, _since, "At that time or later.", "after:2026-01-31"),
    OperatorSpec("before", _BOTH, values.MOMENT, _until, "Before that time.", "before:2026-01-31T09:30"),
    OperatorSpec("on", _BOTH, values.DAY, None, "On that day.", "on:2026-01-31"),
    OperatorSpec("newer", _BOTH, values.NEWER, None, "Not older than that.", "newer:2h"),
    OperatorSpec("older", _BOTH, values.OLDER, None, "Older than that.", "older:7d"),
    OperatorSpec("helo", _BOTH, values.HOST, _host("helo"), "The name in HELO or EHLO.", "helo:example.com"),
    OperatorSpec("ip", _BOTH, values.NETWORK, _networks, "The client's address.", "ip:192.0.2.0/24"),
    OperatorSpec("tls", _BOTH, values.TLS, _exactly("tls"), "The version of TLS, or none.", "tls:TLSv1.3"),
    OperatorSpec("auth", _BOTH, values.USER, _exactly("auth"), "Who authenticated.", "auth:alice"),
    OperatorSpec(
        "accepted", _SESSION, values.PATH, _path("accepted"),
        "An address in RCPT or MAIL that the server took.", "accepted:bob@example.com",
    ),
    OperatorSpec(
        "refused", _SESSION, values.PATH, _path("refused"),
        "An address in RCPT or MAIL that the server did not take.", "refused:bob@example.com",
    ),
    OperatorSpec(
        "reply", _SESSION, values.WORDS, _within("subject"), "Words in one line of a reply.", 'reply:"user unknown"'
    ),
    OperatorSpec(
        "messages", _SESSION, values.COUNT, _number("messages"), "How many messages it brought.", "messages:>1"
    ),
    OperatorSpec(
        "duration", _SESSION, values.DURATION, _number("duration"),
        "How long it lasted; of one that is still open nothing is said.", "duration:>10s",
    ),
    OperatorSpec("turn", _SESSION, values.TURN, _turn, "A command and its reply.", "turn:RCPT/5xx"),
    OperatorSpec(
        "status", _SESSION, values.STATUS, _exactly("status"), "An enhanced code that was sent.", "status:5.7.1"
    ),
    OperatorSpec("finding", _SESSION, values.FINDING, _exactly("finding"), "What was found.", "finding:bare-lf"),
    OperatorSpec("is", _SESSION, values.choice("open"), _exactly("is"), "What state it is in.", "is:open"),
    OperatorSpec("verb", _SESSION, values.VERB, _exactly("verb"), "A command that was given.", "verb:VRFY"),
    OperatorSpec("code", _SESSION, values.CODE, _codes, "A reply that was sent.", "code:5xx"),
    OperatorSpec("outcome", _SESSION, values.OUTCOME, _exactly("outcome"), "What came of it.", "outcome:rejected"),
    OperatorSpec(
        "end", _SESSION, values.choice(*get_args(SessionEnd)), _exactly("end"), "How it ended.", "end:timeout"
    ),
)  # fmt: skip

TABLE: Final[dict[Kind, dict[str, OperatorSpec]]] = {
    kind: {spec.name: spec for spec in OPERATORS if kind in spec.kinds} for kind in _BOTH
}
"""Kind → name → operator."""


def plan_operator(node: Operator, kind: Kind) -> Expression:
    """What an operator of a tree means in terms of the index. Raises `ValueError` for one that the table lacks."""
    spec = TABLE[kind].get(node.name)
    if spec is None or spec.plan is None:
        raise ValueError(f"no operator {node.name!r} of a {kind} can be planned")
    return spec.plan(node.value)
