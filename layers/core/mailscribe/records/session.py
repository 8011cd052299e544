"""A session as answers show it: its facts, its turns, its line in a list."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from mailscribe.records.value import Value


class Client(Value, frozen=True, kw_only=True):
    """The SMTP client's address as the server saw it."""

    ip: str
    port: int
    name: str | UnsetType = UNSET


class Tls(Value, frozen=True, kw_only=True):
    """What TLS was negotiated."""

    version: str
    cipher: str
    sni: str | None = None


class Auth(Value, frozen=True, kw_only=True):
    """Who authenticated, and by which SASL mechanism. Never a secret."""

    mechanism: str
    user: str


class SessionLink(Value, frozen=True, kw_only=True):
    """The session and the transaction in it (1-based) by which a message came."""

    id: str
    transaction: int


class Reply(Value, frozen=True, kw_only=True):
    """An SMTP reply (RFC 5321 §4.2): code, enhanced code (RFC 2034) if one was given, text lines."""

    code: int
    enhanced: str | None
    lines: tuple[str, ...]


class Content(Value, frozen=True, kw_only=True):
    """What became of the bytes after DATA or BDAT: size after dot-unstuffing, lines, hash, acceptance.

    Of BDAT, size and lines of that chunk, the hash of the content up to its end. `message` is the message that it is,
    `refused` the id under which refused content was kept; `discarded`: a rule had it accepted and thrown away.
    """

    bytes: int
    lines: int
    sha256: str
    accepted: bool
    message: str | UnsetType = UNSET
    refused: str | UnsetType = UNSET
    discarded: bool | UnsetType = UNSET


class Turn(Value, frozen=True, kw_only=True):
    """A command with its reply. `at` and `latencyMs` in milliseconds; `at` counts from the opening.

    The greeting is turn 0, verb null; `DATA` and `EOD` are two turns. `transaction` (1-based) is set on
    the turns from MAIL to the end of that transaction. `reply` is null when none was sent. `rule` names the rule that
    decided, and what it did.
    """

    seq: int
    at: float
    verb: str | None
    command: str | None
    reply: Reply | None
    latency_ms: float | None
    transaction: int | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    message: str | UnsetType = UNSET
    exchanges: tuple[str, ...] | UnsetType = UNSET
    rule: str | UnsetType = UNSET


class Finding(Value, frozen=True, kw_only=True):
    """Something worth knowing about the conversation, with the turn where it was seen."""

    code: str
    turn: int


SessionEnd = Literal["quit", "aborted", "timeout", "policy", "shutdown", "lost"]


class SessionFacts(Value, frozen=True, kw_only=True):
    """What a session and its line in a list have in common."""

    id: str
    state: Literal["open", "closed"]
    opened_at: datetime
    closed_at: datetime | None
    client: Client
    helo: str | None
    tls: Tls | None
    auth: Auth | None
    outcome: tuple[str, ...]
    end: SessionEnd | None
    messages: tuple[str, ...]


class SessionRecord(SessionFacts, frozen=True, kw_only=True):
    """A session, whole. While `state` is open it is known only from its messages' trace blocks."""

    listener: str
    findings: tuple[Finding, ...]
    turns: tuple[Turn, ...]


class SessionSummary(SessionFacts, frozen=True, kw_only=True):
    """A line of a list of sessions; `turns` counts them, `lastReply` is the last reply's code and text."""

    turns: int
    last_reply: str | None
    findings: tuple[str, ...]
