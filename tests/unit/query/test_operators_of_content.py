"""Operators of what a message is made of, and of numbers: what they hold for, their limits, what they refuse."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailscribe.errors import QueryError
from mailscribe.ids import ulid_time
from mailscribe.query import content_tags as limits
from mailscribe.query import message_document, parse_query, plan, session_document
from mailscribe.query.expression import Conjunction, Constant, Disjunction, Expression, Match, Negation
from mailscribe.query.numbers import TOP, compared, number_tags
from mailscribe.records import BodyPart, Defect, HeaderField, IndexDocument, Kind
from mailscribe.store.tail import Tail
from support.query_world import attachment, message_record, session_record, turn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def part(kind: str, **changes: object) -> BodyPart:
    return structs.replace(attachment("x"), type=kind, disposition=None, name=None, **changes)


HTML = part("text/html")
LOGO = part("image/svg+xml", cid="logo@x.org")
MESSAGE = structs.replace(
    message_record(ULID),
    size=1536,
    subject="Quarterly figures",
    from_=(),
    body_structure=part("multipart/related", sub_parts=(HTML, LOGO, attachment("Annual Report-2026.PDF"))),
    html_body=(HTML,),
    attachments=(LOGO, attachment("Annual Report-2026.PDF"), attachment("売上.xlsx")),
    has_attachment=True,
    delivery="terminal-or-mailbox",
    defects=(Defect(code="no-date"),),
    headers=(
        HeaderField(name="List-Id", value=" News of the day <news.example.org>"),
        HeaderField(name="X-Mailer", value=" Pine 4.64"),
        HeaderField(name="X-Mailer", value=" alpine"),
        HeaderField(name="X-Empty", value=""),
    ),
)
TEXT = "Dear Bob, see attached. Größe 東京"


def holds(document: IndexDocument, query: str) -> bool:
    tail = Tail(document.kind)
    tail.put([document])
    return bool(tail.search(plan(parse_query(query, document.kind, now=NOW), document.kind, limit=1)))


@pytest.mark.parametrize(
    "query",
    [
        "body:dear", 'body:"see attached"', "body:atta*", "body:groesse OR body:grosse", "body:京",
        "filename:report", 'filename:"annual report"', "filename:report-2026.pdf", "filename:2026*", "filename:売上",
        "filename:上.xlsx", "pdf", '"annual report"', "type:image/*", "type:IMAGE/SVG+XML", "type:multipart/related",
        "type:text/*", "header:list-id", "header:LIST-ID", "header:X-*", "header:X-Empty", "header:List-Id=news",
        'header:List-Id="news of the day"', 'header:"List-Id=of the"', "header:list-id=news.example.org",
        "header:X-Mailer=alp*", "header:X-Mailer=pine", "has:inline", "has:html", "has:attachment", "is:defective",
        "larger:1535", "larger:1.4k", "smaller:1537", "smaller:1.6k", "larger:0", "smaller:1m", "-larger:1536",
        "-larger:1.5k", "-smaller:1.5kb", "delivery:terminal-or-mailbox", "DELIVERY:Terminal-Or-Mailbox",
    ],
)  # fmt: skip
def test_a_message_is_found_by_its_content(query: str) -> None:
    assert holds(message_document(MESSAGE, TEXT, ULID), query)


@pytest.mark.parametrize(
    "query",
    [
        "body:quarterly", "body:report", "body:pdf", 'body:"bob dear"', "subject:dear", "filename:dear",
        'filename:"report annual"', 'filename:"pdf 売"', "type:image/png", "type:audio/*", "type:image/svg",
        "header:Received", "header:List", "header:X-Mailer=4.65", 'header:X-Mailer="pine alpine"',
        'header:X-Mailer="64 alpine"', "header:X-Empty=news", "header:List-Id=pine", "news", "pine", "header",
        "larger:1536", "larger:1.5k", "smaller:1.5k", "smaller:0", "larger:4g", "delivery:terminal",
        "size", "known", "word*", "filename*",
    ],
)  # fmt: skip
def test_a_message_is_not_found_by(query: str) -> None:
    assert not holds(message_document(MESSAGE, TEXT, ULID), query)


@pytest.mark.parametrize("query", ["has:inline", "has:html", "is:defective", "type:image/*", "delivery:mailbox"])
def test_an_empty_message_has_none_of_it(query: str) -> None:
    assert not holds(message_document(message_record(ULID), "", ULID), query)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"disposition": "inline"}, True), ({"cid": "a"}, True), ({"disposition": "attachment", "cid": "a"}, False),
        ({"disposition": "inline", "type": "text/html"}, False), ({}, False),
    ],
)  # fmt: skip
def test_inline_is_what_is_shown_within_the_text(changes: dict[str, object], expected: bool) -> None:
    record = message_record(ULID, body_structure=structs.replace(part("image/png"), **changes))
    assert holds(message_document(record, "", ULID), "has:inline") is expected


def test_header_fields_may_be_given_as_a_person_reads_them() -> None:
    record = message_record(ULID, headers=(HeaderField(name="X-A", value="=?utf-8?q?gr=C3=BCn?="),))
    read = (HeaderField(name="X-A", value="grün"),)
    assert holds(message_document(record, "", ULID, headers=read), "header:X-A=grun")
    assert not holds(message_document(record, "", ULID), "header:X-A=grun")


def test_a_signature_is_found_by_its_name_and_leaves_room_for_other_words() -> None:
    signatures = [HeaderField(name=name, value=" v=1; b=" + "aB/" * 500) for name in ("DKIM-Signature", "ARC-Seal")]
    record = message_record(ULID, headers=(*signatures * 20, HeaderField(name="X-B", value="last")))
    document = message_document(record, "", ULID)
    assert all(holds(document, query) for query in ("header:dkim-signature", "header:ARC-Seal", "header:X-B=last"))
    assert len(document.tags) < 30


@pytest.mark.parametrize(("spare", "found"), [(-1, True), (0, True), (1, False)])
def test_words_of_a_field_are_found_up_to_a_number(spare: int, found: bool) -> None:
    value = "w " * (limits.INDEXED_FIELD_WORDS - 1 + spare) + "last"
    record = message_record(ULID, headers=(HeaderField(name="X-A", value=value),))
    assert holds(message_document(record, "", ULID), "header:X-A=last") is found


@pytest.mark.parametrize(("spare", "found"), [(-1, True), (0, True), (1, False)])
def test_words_of_all_fields_are_found_up_to_a_number(spare: int, found: bool) -> None:
    before = limits.INDEXED_HEADER_WORDS - 1 + spare
    fields = [HeaderField(name="X-A", value=" ".join("w" * min(10, before - at))) for at in range(0, before, 10)]
    record = message_record(ULID, headers=(*fields, HeaderField(name="X-B", value="last")))
    assert holds(message_document(record, "", ULID), "header:X-B=last") is found
    assert holds(message_document(record, "", ULID), "header:X-B")


@pytest.mark.parametrize(("spare", "found"), [(-1, True), (0, True), (1, False)])
def test_fields_are_found_up_to_a_number(spare: int, found: bool) -> None:
    fields = [HeaderField(name="X-A", value="")] * (limits.INDEXED_HEADERS - 1 + spare)
    record = message_record(ULID, headers=(*fields, HeaderField(name="X-B", value="")))
    assert holds(message_document(record, "", ULID), "header:X-B") is found


@pytest.mark.parametrize(("spare", "found"), [(-1, False), (0, True), (1, True)])
def test_names_of_fields_are_told_apart_by_their_first_characters(spare: int, found: bool) -> None:
    name = "x" * (limits.INDEXED_HEADER_NAME + spare)
    record = message_record(ULID, headers=(HeaderField(name=name, value="a"),))
    assert holds(message_document(record, "", ULID), f"header:{name}")
    assert holds(message_document(record, "", ULID), f"header:{name}y=a") is found


@pytest.mark.parametrize(("spare", "found"), [(-1, True), (0, True), (1, False)])
def test_file_names_are_found_up_to_a_length(spare: int, found: bool) -> None:
    name = "n" * (limits.INDEXED_NAME - 4 + spare) + " end"
    record = message_record(ULID, attachments=(attachment(name),))
    assert holds(message_document(record, "", ULID), "filename:end") is found


@pytest.mark.parametrize(("spare", "found"), [(-1, True), (0, True), (1, False)])
def test_parts_are_looked_at_up_to_a_number(spare: int, found: bool) -> None:
    leaves = (part("image/png"), *[part("text/plain")] * (limits.INDEXED_PARTS - 2 + spare))
    record = message_record(ULID, body_structure=part("multipart/mixed", sub_parts=leaves))
    assert holds(message_document(record, "", ULID), "type:image/png") is found


TALK = session_record(
    ULID, messages=("a", "b"), closed_at=ulid_time(ULID) + timedelta(milliseconds=10_500),
    turns=(
        turn(1, "MAIL", "MAIL FROM:<a@x.org>", (250, "2.1.0", "sender fine")),
        turn(2, "RCPT", "RCPT TO:<b@y.org>", (550, "5.1.1", "user unknown")),
        turn(3, "RCPT", "RCPT TO:<c@y.org>", (250, "2.1.5", "welcome")),
        turn(4, "RCPT", "RCPT TO:<d@y.org>", None),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("accepted:c@y.org", True), ("accepted:b", False), ("accepted:a@x.org", True), ("accepted:y.org", True),
        ("accepted:d", False), ("refused:d", False), ("refused:b@y.org", True), ("refused:c", False),
        ("refused:@y.org", True), ("refused:x.org", False), ("rcpt:d", True),
        ('reply:"user unknown"', True), ("reply:unk*", True), ('reply:"unknown welcome"', False), ("reply:rcpt", False),
        ("rcpt", True), ("welcome", True), ('"rcpt to"', True),
        ("messages:2", True), ("messages:=2", True), ("messages:0", False), ("messages:>1", True),
        ("messages:>2", False), ("messages:>=2", True), ("messages:<2", False), ("messages:<=2", True),
        ("duration:>10s", True), ("duration:>10.5s", False), ("duration:>=10.5", True), ("duration:<11s", True),
        ("duration:10500ms", True), ("duration:10.5s", True), ("duration:<=0.175m", True), ("duration:<1h", True),
        ("duration:>1d", False), ("duration:<0", False), ("messages:<0", False), ("messages:>=0", True),
    ],
)  # fmt: skip
def test_a_session_is_found_by_what_it_did(query: str, expected: bool) -> None:
    assert holds(session_document(TALK, ULID), query) is expected


def test_of_an_open_session_no_duration_is_told() -> None:
    document = session_document(session_record(ULID, closed_at=None, state="open"), ULID)
    assert not any(holds(document, f"duration:{sign}5s") for sign in (">", ">=", "<", "<=", ""))
    assert holds(document, "-duration:<5s")


def test_a_clock_that_went_back_makes_no_negative_duration() -> None:
    record = session_record(ULID, closed_at=ulid_time(ULID) - timedelta(seconds=1))
    assert holds(session_document(record, ULID), "duration:0")


@pytest.mark.parametrize("query", ["larger:1", "smaller:1", "-smaller:1", "larger:99999999999"])
def test_of_what_was_indexed_without_its_size_none_is_told(query: str) -> None:
    document = message_document(MESSAGE, "", ULID)
    old = structs.replace(document, tags=document.tags[:1])
    assert holds(old, query) is query.startswith("-")


@given(st.integers(0, TOP + 2), st.integers(0, TOP + 2), st.integers(-1, 1))
def test_numbers_compare_as_numbers_do(number: int, other: int, step: int) -> None:
    tags = set(number_tags("n", number))
    for bound in (other, max(0, number + step)):
        have, wanted = min(number, TOP), bound
        if wanted > TOP and number >= TOP:
            continue  # all that is so large counts as the same
        assert borne(compared("n", ">", wanted), tags) is (have > wanted)
        assert borne(compared("n", ">=", wanted), tags) is (have >= wanted)
        assert borne(compared("n", "<", wanted), tags) is (have < wanted)
        assert borne(compared("n", "<=", wanted), tags) is (have <= wanted)
        assert borne(compared("n", "=", wanted), tags) is (have == wanted)


def borne(expression: Expression, tags: set[str]) -> bool:
    match expression:
        case Match(_, (token,), False):
            return token in tags
        case Negation(inner):
            return not borne(inner, tags)
        case Conjunction(parts):
            return all(borne(inner, tags) for inner in parts)
        case Disjunction(parts):
            return any(borne(inner, tags) for inner in parts)
        case Constant(value):
            return value
        case _:
            raise AssertionError(expression)


@pytest.mark.parametrize(
    ("query", "kind", "expected"),
    [
        ("larger:", "message", "a size"), ("larger:x", "message", "a size"), ("larger:1.5.5k", "message", "a size"),
        ("larger:-5", "message", "a size"), ("larger:5*", "message", "a size"), ("smaller:5t", "message", "a size"),
        ("larger:1234567890123", "message", "a size"), ("type:image", "message", "a media type"),
        ("type:*", "message", "a letter"), ('type:"image/png x"', "message", "a media type"),
        ("header:", "message", "a field"), ("header:=x", "message", "a field"), ("header:a=", "message", "a field"),
        ("header:a=-", "message", "a field"),
        ("header:DKIM-Signature=x.org", "message", "a field"), ("header:é", "message", "a field"),
        ('header:a="x', "message", '"'),
        ('header:"a b"', "message", "a field"), ("has:video", "message", "attachment or inline or html"),
        ("is:open", "message", "bounce or report or defective"), ("delivery:x", "message", "mailbox or terminal"),
        ("body:-", "message", "a word"), ("filename:...", "message", "a word"), ("messages:x", "session", "a number"),
        ("messages:>", "session", "a number"), ("messages:><1", "session", "a number"),
        ("messages:1.5", "session", "a number"), ("duration:10x", "session", "a length"),
        ("duration:>1.5ms", "session", "a length"), ("duration:=>1s", "session", "a length"),
        ("accepted:@", "session", "user@"), ("reply:!", "session", "a word"), ("body:x", "session", "mailfrom:"),
        ("messages:1", "message", "from:"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_with_its_place(query: str, kind: Kind, expected: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(f"x {query}", kind, now=NOW)
    assert refused.value.position >= 2
    assert expected in refused.value.expected
