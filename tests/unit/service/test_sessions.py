"""Sessions: from a trace block, from their object whole and damaged, and what two sources tell together."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.query.document import session_document
from mailscribe.query.tags import tag
from mailscribe.records import Client, IndexDocument, SessionRecord
from mailscribe.service import sessions
from mailscribe.smtp import StoredHeader, Suppressed, parse_trace, suppressed_transcript
from mailscribe.store.keys import message_key
from support.conversation import OPENED_MS, Conversation, converse, plain_message

TALK = converse([plain_message(1), plain_message(2), plain_message(3)], refused=frozenset({1}))


def from_message(talk: Conversation, index: int) -> SessionRecord:
    return sessions.open_session(parse_trace(talk.objects[message_key(talk.messages[index])]))


def from_object(talk: Conversation, lines: int | None = None) -> SessionRecord:
    data = talk.objects[talk.session_object]
    return sessions.closed_session(talk.session, b"".join(data.splitlines(keepends=True)[:lines]))


def sources() -> list[SessionRecord]:
    whole = len(TALK.objects[TALK.session_object].splitlines())
    return [from_message(TALK, 0), from_message(TALK, 1), from_message(TALK, 2)] + [
        from_object(TALK, lines) for lines in (3, whole // 2, whole - 1, whole)
    ]


def test_a_trace_block_gives_the_open_session() -> None:
    session = from_message(TALK, 0)
    assert (session.id, session.state, session.end, session.closed_at) == (TALK.session, "open", None, None)
    assert session.opened_at.timestamp() * 1000 == OPENED_MS + 60_000
    assert (session.client.ip, session.listener, session.helo) == ("192.0.2.17", "smtp", "sun.tuc.test.org")
    assert session.messages == (TALK.messages[0],)
    assert session.outcome == ("delivered",)
    assert [turn.verb for turn in session.turns] == [None, "EHLO", "MAIL", "RCPT", "DATA"]


def test_its_object_gives_the_closed_session() -> None:
    session = from_object(TALK)
    assert (session.id, session.state, session.end) == (TALK.session, "closed", "quit")
    assert session.closed_at is not None
    assert session.closed_at > session.opened_at
    assert (session.client.ip, session.listener, session.helo) == ("192.0.2.17", "smtp", "sun.tuc.test.org")
    assert list(session.messages) == TALK.accepted
    assert session.outcome == ("delivered", "rejected")
    assert [turn.verb for turn in session.turns][-2:] == ["EOD", "QUIT"]


def test_one_record_tells_of_sessions_that_were_not_kept() -> None:
    opened, first, last = (datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC) for second in (5, 6, 50))
    header = StoredHeader(1, TALK.session, Client(ip="192.0.2.9", port=25), "mx", "test.org", opened)
    data = suppressed_transcript(header, Suppressed(7, first, last), ["rejected", "tls-failed"])
    session = sessions.closed_session(TALK.session, data)
    assert (session.state, session.end, session.turns, session.messages) == ("closed", "policy", (), ())
    assert (session.client.ip, session.listener, session.opened_at, session.closed_at) == (
        "192.0.2.9",
        "mx",
        opened,
        last,
    )
    assert session.outcome == ("rejected", "tls-failed")
    assert {tag("end", "policy"), tag("outcome", "tls-failed")} <= set(session_document(session, "").tags)


def test_content_answered_with_4xx_is_taken_back() -> None:
    assert sessions.taken_back(from_object(TALK)) == frozenset(TALK.refused)
    assert sessions.taken_back(from_message(TALK, 2)) == frozenset(TALK.refused)
    assert sessions.taken_back(from_message(TALK, 1)) == frozenset()


def test_content_refused_with_5xx_was_never_stored() -> None:
    talk = converse([b"Received: x\r\n" * 200 + b"\r\n"])
    session = from_object(talk)
    assert (talk.messages, session.messages, session.outcome) == ([], (), ("rejected",))
    assert sessions.taken_back(session) == frozenset()


def test_joining_is_the_same_in_any_order() -> None:
    whole = from_object(TALK)
    for order in permutations(sources(), 3):
        if whole in order:
            one, two, three = order
            assert sessions.join(sessions.join(one, two), three) == whole
            assert sessions.join(one, sessions.join(two, three)) == whole


@given(st.lists(st.sampled_from(sources()), min_size=3, max_size=3), st.randoms(use_true_random=False))
def test_joining_is_associative_commutative_and_idempotent(some: list[SessionRecord], random: object) -> None:
    one, two, three = some
    assert sessions.join(one, one) == one
    assert sessions.join(one, two) == sessions.join(two, one)
    assert sessions.join(sessions.join(one, two), three) == sessions.join(one, sessions.join(two, three))


def test_a_lost_session_learns_from_a_message_that_its_transcript_lacks() -> None:
    lost = from_object(TALK, 6)
    joined = sessions.join(lost, from_message(TALK, 2))
    last = from_message(TALK, 2).turns[-1]
    assert (joined.state, joined.end) == ("closed", "lost")
    assert joined.closed_at == lost.opened_at + timedelta(milliseconds=last.at)
    assert list(joined.messages) == TALK.accepted
    assert joined.turns == from_message(TALK, 2).turns


class TestDamaged:
    def test_without_its_last_line_it_is_lost(self) -> None:
        session = from_object(TALK, -1)
        assert (session.state, session.end) == ("closed", "lost")
        assert session.closed_at is not None
        assert list(session.messages) == TALK.accepted
        assert session.turns == from_object(TALK).turns

    @pytest.mark.parametrize("line", [b"no JSON\n", b"{}\n", b"[]\n", b'{"t":"x"}\n', b"\xff\n", b"\n"])
    def test_a_bad_line_is_passed_over(self, line: bytes) -> None:
        lines = TALK.objects[TALK.session_object].splitlines(keepends=True)
        session = sessions.closed_session(TALK.session, b"".join([*lines[:4], line, *lines[4:]]))
        assert session.end == "lost"
        assert list(session.messages) == TALK.accepted
        assert session.turns == from_object(TALK).turns
        assert [finding.code for finding in session.findings] == ["truncated"]

    @pytest.mark.parametrize("data", [b"", b"no JSON", b"no JSON\n", b"\x00" * 100, b'{"v":2}\n', b'{"v":1}\n'])
    def test_of_an_object_that_is_none_the_id_remains(self, data: bytes) -> None:
        session = sessions.closed_session(TALK.session, data)
        assert (session.id, session.state, session.end) == (TALK.session, "closed", "lost")
        assert session.opened_at.timestamp() * 1000 == OPENED_MS + 60_000
        assert (session.turns, session.messages) == ((), ())
        assert [finding.code for finding in session.findings] == ["truncated"]
        assert sessions.join(session, from_message(TALK, 0)).client.ip == "192.0.2.17"

    def test_a_conversation_that_makes_no_turns_leaves_the_rest(self) -> None:
        header = TALK.objects[TALK.session_object].splitlines(keepends=True)[0]
        session = sessions.closed_session(TALK.session, header + b'{"t":1,"dir":"S","line":"no code"}\n')
        assert (session.turns, session.client.ip, session.end) == ((), "192.0.2.17", "lost")

    @given(st.binary(max_size=200))
    def test_no_bytes_raise(self, data: bytes) -> None:
        header = TALK.objects[TALK.session_object].splitlines(keepends=True)[0]
        for some in (data, header + data, header + b"\n".join([data, data, b""])):
            session = sessions.closed_session(TALK.session, some)
            assert session.id == TALK.session
            assert sessions.document(session, "").kind == "session"

    def test_it_is_known_by_its_key_whatever_it_says(self) -> None:
        data = TALK.objects[TALK.session_object].replace(TALK.session.encode(), b"0" * 26)
        assert sessions.closed_session(TALK.session, data).id == TALK.session


def test_the_document_of_a_session_counts_its_turns() -> None:
    session = from_object(TALK)
    document = sessions.document(session, "C")
    assert (document.kind, document.id, document.commit, document.size) == (
        "session",
        TALK.session,
        "C",
        len(session.turns),
    )
    assert json.loads(bytes(document.summary))["messages"] == TALK.accepted


def test_a_session_that_cannot_be_indexed_is_still_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = session_document

    def picky(record: SessionRecord, commit: str) -> IndexDocument:
        if record.turns:
            raise RuntimeError
        return whole(record, commit)

    monkeypatch.setattr(sessions, "session_document", picky)
    assert sessions.document(from_object(TALK), "C").size == 0
