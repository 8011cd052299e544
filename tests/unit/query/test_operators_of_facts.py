"""Operators of exact facts: what a record bears is found by them, and nothing else is."""

from datetime import UTC, datetime

import msgspec
import pytest

from mailscribe.errors import QueryError
from mailscribe.query import message_document, parse_query, plan, session_document
from mailscribe.records import Auth, Client, Finding, IndexDocument, Kind, SessionLink, Tls
from mailscribe.store.tail import Tail
from support.query_world import message_record, session_record, turn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
CLIENT = Client(ip="192.0.2.7", port=1)
TLS = Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")
AUTH = Auth(mechanism="PLAIN", user="alice")
MESSAGE = msgspec.structs.replace(
    message_record(ULID),
    in_reply_to=("1@x.org",), sha256="ab" * 32, client=CLIENT, helo="mail.x.org", tls=TLS, auth=AUTH,
    session=SessionLink(id=ULID, transaction=1), thread_id="t" + "0a" * 15 + "b",
)  # fmt: skip
SESSION = msgspec.structs.replace(
    session_record(ULID), client=CLIENT, tls=TLS, auth=AUTH, state="open", findings=(Finding(code="bare-lf", turn=1),),
    turns=(
        turn(1, "MAIL", "MAIL FROM:<a@x.org>", (250, "2.1.0", "ok")),
        turn(2, "RCPT", "RCPT TO:<b@x.org>", (550, "5.7.1", "no")),
    ),
)  # fmt: skip


def holds(document: IndexDocument, kind: Kind, query: str) -> bool:
    tail = Tail(kind)
    tail.put([document])
    return bool(tail.search(plan(parse_query(query, kind, now=NOW), kind, limit=1)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("in-reply-to:<1@x.org>", True), ("in-reply-to:2@x.org", False), ("sha256:" + "AB" * 32, True),
        ("sha256:" + "0" * 64, False), ("ip:192.0.2.0/24", True), ("ip:192.0.3.0/24", False), ("helo:x.org", True),
        ("helo:y.org", False), ("tls:tlsv1.3", True), ("tls:TLSv1.2", False), ("tls:none", False),
        ("auth:alice", True), ("auth:ali", False), ("thread:T" + "0A" * 15 + "B", True), ("thread:t" + "0" * 31, False),
    ],
)  # fmt: skip
def test_a_message_is_found_by_what_it_bears(query: str, expected: bool) -> None:
    assert holds(message_document(MESSAGE, "", ULID), "message", query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tls:TLSv1.3", True), ("tls:none", False), ("auth:alice", True), ("auth:bob", False), ("is:open", True),
        ("finding:bare-lf", True), ("finding:bare-cr", False), ("turn:RCPT/550", True), ("turn:rcpt/5xx", True),
        ("turn:rcpt/55X", True), ("turn:MAIL/5xx", False), ("turn:RCPT/250", False), ("status:5.7.1", True),
        ("status:5.9.9", False),
    ],
)  # fmt: skip
def test_a_session_is_found_by_what_was_said(query: str, expected: bool) -> None:
    assert holds(session_document(SESSION, ULID), "session", query) is expected


@pytest.mark.parametrize(
    "query", ["tls:1", "turn:RCPT", "turn:RCPT/9xx", "status:5.7", "is:shut", "finding:-", "auth:a*"]
)
def test_a_value_that_cannot_be_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse_query(query, "session", now=NOW)
