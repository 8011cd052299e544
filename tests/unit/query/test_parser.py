"""The grammar: what each text means, and where and how a text is refused."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from mailscribe.errors import QueryError
from mailscribe.query import And, Moment, Node, Not, Operator, Or, Phrase, Prefix, Word, parse_query
from mailscribe.query.parser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS
from mailscribe.records import Kind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def parse(text: str, kind: Kind = "message") -> Node | None:
    return parse_query(text, kind, now=NOW)


def w(*texts: str) -> tuple[Node, ...]:
    return tuple(map(Word, texts))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        (" \t\n ", None),
        ("order", Word("order")),
        ("Order", Word("Order")),
        ("foo-bar", Word("foo-bar")),
        ("user@example.com", Word("user@example.com")),
        ("a b", And(w("a", "b"))),
        ("a AND b", And(w("a", "b"))),
        ("a OR b", Or(w("a", "b"))),
        ("a or b", And(w("a", "or", "b"))),
        ("a b OR c d", Or((And(w("a", "b")), And(w("c", "d"))))),
        ("a (b OR c) d", And((Word("a"), Or(w("b", "c")), Word("d")))),
        ("(a b) c", And(w("a", "b", "c"))),
        ("(a OR b) OR c", Or(w("a", "b", "c"))),
        ("((a))", Word("a")),
        ("a(b)c", And(w("a", "b", "c"))),
        ("-a", Not(Word("a"))),
        ("NOT a", Not(Word("a"))),
        ("not a", And(w("not", "a"))),
        ("--a", Not(Not(Word("a")))),
        ("NOT NOT a", Not(Not(Word("a")))),
        ("-a b", And((Not(Word("a")), Word("b")))),
        ("NOT a OR b", Or((Not(Word("a")), Word("b")))),
        ("a -(b OR c)", And((Word("a"), Not(Or(w("b", "c")))))),
        ("a AND -b", And((Word("a"), Not(Word("b"))))),
        ('"a phrase"', Phrase("a phrase")),
        ('-"a b"', Not(Phrase("a b"))),
        (r'"say \"hi\""', Phrase('say "hi"')),
        (r'"C:\dir\\"', Phrase("C:\\dir\\")),
        ('"OR"', Phrase("OR")),
        ('"(a)"', Phrase("(a)")),
        ('"http://x"', Phrase("http://x")),
        ('"wo*rd"', Phrase("wo*rd")),
        ("inv*", Prefix("inv")),
        ("from:alice", Operator("from", Word("alice"))),
        ("FROM:alice", Operator("from", Word("alice"))),
        ("from:ali*", Operator("from", Prefix("ali"))),
        ('from:"Alice Smith"', Operator("from", Phrase("Alice Smith"))),
        ("from:<alice@x.org>", Operator("from", Word("alice@x.org"))),
        ('from:"Alice <alice@x.org>"', Operator("from", Phrase("alice@x.org"))),
        ("-to:@x.org", Not(Operator("to", Word("@x.org")))),
        ("mailfrom:<>", Operator("mailfrom", Word("<>"))),
        ("subject:OR", Operator("subject", Word("OR"))),
        ("subject:-x", Operator("subject", Word("-x"))),
        ('subject:"a:b"', Operator("subject", Phrase("a:b"))),
        ("message-id:<1@x.org>", Operator("message-id", Word("1@x.org"))),
        ('message-id:"<a b@x.org>"', Operator("message-id", Phrase("a b@x.org"))),
        (f"id:{ULID.lower()}", Operator("id", Word(ULID))),
        (f"session:{ULID}", Operator("session", Word(ULID))),
        ("has:Attachment", Operator("has", Word("attachment"))),
        (".foo:bar", Word(".foo:bar")),
        ("a@b:25", Word("a@b:25")),
        ("東京", Word("東京")),
        ("a\u3000b", And(w("a", "b"))),
    ],
)
def test_a_text_means(text: str, tree: Node | None) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("verb:vrfy", Operator("verb", Word("VRFY"))),
        ("code:550", Operator("code", Word("550"))),
        ("code:5XX", Operator("code", Word("5xx"))),
        ("ip:192.0.2.1", Operator("ip", Word("192.0.2.1/32"))),
        ("ip:192.0.2.9/24", Operator("ip", Word("192.0.2.0/24"))),
        ("ip:::ffff:192.0.2.1", Operator("ip", Word("192.0.2.1/32"))),
        ("ip:2001:DB8::/32", Operator("ip", Word("2001:db8::/32"))),
        ("helo:[192.0.2.1]", Operator("helo", Word("[192.0.2.1]"))),
        ("end:Timeout", Operator("end", Word("timeout"))),
        ("outcome:tls-failed", Operator("outcome", Word("tls-failed"))),
        (f"session:{ULID}", Operator("session", Word(ULID))),
    ],
)
def test_a_text_about_sessions_means(text: str, tree: Node) -> None:
    assert parse(text, "session") == tree


def at(text: str) -> Moment:
    return Moment(round(datetime.fromisoformat(text).timestamp() * 1000))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("after:2026-01-31", Operator("after", at("2026-01-31T00:00+02:00"))),
        ("before:2026-01-31T09:30", Operator("before", at("2026-01-31T09:30+02:00"))),
        ("after:2026-01-31T09:30:05", Operator("after", at("2026-01-31T09:30:05+02:00"))),
        ("after:2026-01-31T09:30:05.25Z", Operator("after", at("2026-01-31T09:30:05.250+00:00"))),
        ("after:2026-01-31t09:30z", Operator("after", at("2026-01-31T09:30+00:00"))),
        ('after:"2026-01-31 09:30-05:00"', Operator("after", at("2026-01-31T09:30-05:00"))),
        ("after:2026-01-31T09:30+0530", Operator("after", at("2026-01-31T09:30+05:30"))),
        (
            "on:2026-01-31",
            And((Operator("after", at("2026-01-31T00:00+02:00")), Operator("before", at("2026-02-01T00:00+02:00")))),
        ),
        ("newer:90m", Operator("after", at("2026-03-01T10:30+00:00"))),
        ("older:2D", Operator("before", at("2026-02-27T12:00+00:00"))),
        ("newer:1w", Operator("after", at("2026-02-22T12:00+00:00"))),
        ("after:1969-12-31T23:59:59Z", Operator("after", Moment(-1000))),
        ("before:9999-12-31T23:59:59.999999Z", Operator("before", at("9999-12-31T23:59:59.999+00:00"))),
    ],
)
def test_times_are_meant_in_the_zone_of_the_query(text: str, tree: Node) -> None:
    assert parse_query(text, "message", now=NOW, tz=timezone(timedelta(hours=2))) == tree


def test_a_bound_between_two_milliseconds_takes_in_only_later_ones() -> None:
    assert parse("after:1970-01-01T00:00:00.0005Z") == Operator("after", Moment(1))


def test_a_day_is_as_long_as_its_zone_makes_it() -> None:
    """The clocks go forward in Berlin on 2026-03-29."""
    found = parse_query("on:2026-03-29", "message", now=NOW, tz=ZoneInfo("Europe/Berlin"))
    assert found == And(
        (Operator("after", at("2026-03-28T23:00+00:00")), Operator("before", at("2026-03-29T22:00+00:00")))
    )


REFUSED = [
    # the whole
    (")", 0, "a word", "before )"),
    ("a )", 2, "the end of the query", "without an opening one"),
    ("(a", 2, ")", "opens at position 0"),
    ("a (b OR (c)", 11, ")", "opens at position 2"),
    ("()", 1, "a word", "missing before )"),
    ("OR a", 0, "a word", "missing before OR"),
    ("a OR", 4, "a word", "missing before the end"),
    ("a OR OR b", 5, "a word", "missing before OR"),
    ("AND a", 0, "a word", "missing before AND"),
    ("a NOT", 5, "a word", "missing before the end"),
    ("(a OR)", 5, "a word", "missing before )"),
    # words
    ("- a", 1, "a word", "directly before"),
    ("a -", 3, "a word", "directly before"),
    ("(-)", 2, "a word", "directly before"),
    ("!!!", 0, "a word", "no letter or digit"),
    ("a &", 2, "a word", "no letter or digit"),
    ('"..."', 0, "a word", "no letter or digit"),
    ("\ud800", 0, "a word", "no letter or digit"),
    ("a *", 2, "a letter", "only end a word"),
    ("wo*rd", 2, "the end of the word", "only end a word"),
    ("word**", 4, "the end of the word", "only end a word"),
    # quotes
    ('"abc', 4, '"', "opens at position 0"),
    ('a "b\\"', 6, '"', "opens at position 2"),
    ('subject:"abc', 12, '"', "opens at position 8"),
    ('foo"bar"', 3, "a space", "quote inside a word"),
    ('"foo"bar', 5, "a space", "followed by a space"),
    ('"foo""bar"', 5, "a space", "followed by a space"),
    ('"foo"*', 5, "a space", "followed by a space"),
    ('from:a"b"', 6, "a space", "quote inside a word"),
    # unknown operators
    ("http://x", 0, "from:, to:", '"http://x"'),
    ("12:30", 0, "from:, to:", '"12:30"'),
    ("Re: order", 0, "from:, to:", '"Re: order"'),
    ("lunch re: order", 6, "from:, to:", '"re: order"'),
    ('x:"a b"', 0, "from:, to:", '"x:\\"a b\\""'),
    ("verb:RCPT", 0, "from:, to:", "for messages"),
    # values
    ("subject:", 8, "a word", "No value"),
    ("subject: foo", 8, "a word", '"subject: foo"'),
    ("from:(a OR b)", 5, "user@example.com", "No value"),
    ("a from:@", 7, "user@example.com", "is no address"),
    ("from:alice@", 5, "user@example.com", "is no address"),
    ("from:<>", 5, "user@example.com", "is no address"),
    ("mailfrom:<>*", 9, "<>", "is no address"),
    ("subject:!!", 8, "a word", "no letter or digit"),
    ("message-id:<>", 11, "a Message-ID", "is no Message-ID"),
    ("message-id:a*", 11, "a Message-ID", "cannot end with *"),
    ("id:foo", 3, "26", "is no id"),
    ("has:wings", 4, "attachment", "no such value"),
    ("after:yesterday", 6, "2026-01-31", "is no date"),
    ("after:2026-02-30", 6, "2026-01-31", "calendar"),
    ("after:2026-01-31T25:00", 6, "2026-01-31", "calendar"),
    ("after:20260131", 6, "2026-01-31", "is no date"),
    ("after:0001-01-01T00:00+14:00", 6, "2026-01-31", "calendar"),
    ("on:2026-01-31T09:30", 3, "2026-01-31", "is no date"),
    ("on:9999-12-31", 3, "2026-01-31", "calendar"),
    ("newer:soon", 6, "2h", "is no age"),
    ("older:999999w", 6, "2h", "calendar"),
]


@pytest.mark.parametrize(("text", "position", "expected", "detail"), REFUSED)
def test_a_text_is_refused_where_it_is_wrong(text: str, position: int, expected: str, detail: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text)
    assert refused.value.position == position
    assert expected in refused.value.expected
    assert detail in refused.value.detail
    refused.value.detail.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "position", "expected", "detail"),
    [
        ("subject:x", 0, "mailfrom:, ", "for sessions"),
        ("ip:300.1.1.1", 3, "192.0.2.0/24", "is no IP address"),
        ("ip:192.0.2.0/33", 3, "192.0.2.0/24", "is no IP address"),
        ("code:600", 5, "5xx", "is no reply code"),
        ("code:5x0", 5, "5xx", "is no reply code"),
        ("code:٥50", 5, "5xx", "is no reply code"),
        ("verb:R*", 5, "RCPT", "cannot end with *"),
        ("verb:R_", 5, "RCPT", "is no verb"),
        ("end:happy", 4, "timeout", "no such value"),
        ("outcome:lost", 8, "tls-failed", "no such value"),
        ("helo:-", 5, "a host name", "is no host name"),
    ],
)
def test_a_text_about_sessions_is_refused(text: str, position: int, expected: str, detail: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text, "session")
    assert (refused.value.position, expected in refused.value.expected) == (position, True)
    assert detail in refused.value.detail


def test_length_is_limited() -> None:
    assert parse("a" * MAX_LENGTH) == Word("a" * MAX_LENGTH)
    with pytest.raises(QueryError, match="longer than") as refused:
        parse("a" * (MAX_LENGTH + 1))
    assert refused.value.position == MAX_LENGTH


def test_terms_are_limited() -> None:
    assert isinstance(parse("a " * MAX_TERMS), And)
    with pytest.raises(QueryError, match="more than 128 terms") as refused:
        parse("a " * MAX_TERMS + "b")
    assert refused.value.position == 2 * MAX_TERMS


@pytest.mark.parametrize("opening", ["(", "-", "NOT "])
def test_depth_is_limited(opening: str) -> None:
    closing = ")" if opening == "(" else ""
    assert parse(opening * MAX_DEPTH + "a" + closing * MAX_DEPTH) is not None
    with pytest.raises(QueryError, match="More than 20") as refused:
        parse(opening * (MAX_DEPTH + 1) + "a" + closing * (MAX_DEPTH + 1))
    assert refused.value.position == len(opening) * MAX_DEPTH


def test_depth_is_of_nesting_not_of_number() -> None:
    assert parse(" ".join("(a OR b)" for _ in range(MAX_DEPTH + 1))) is not None
    assert parse(" ".join("-a" for _ in range(MAX_DEPTH + 1))) is not None


def test_an_error_repeats_only_a_piece_of_the_query() -> None:
    with pytest.raises(QueryError) as refused:
        parse("x:" + "y" * 4000)
    assert len(refused.value.detail) < 300
