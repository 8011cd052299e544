"""One statement per query: bound parameters only, no sort, slices of the time line."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import QueryError
from mailscribe.ids import make_ulid
from mailscribe.query import OPERATORS, Statement, parse_query, plan
from mailscribe.query.expression import EVERYTHING, NOTHING, Match, Negation, conjunction, disjunction, negation
from mailscribe.query.parser import MAX_DEPTH, MAX_TERMS
from mailscribe.records import EmailAddress, Kind
from mailscribe.store.tail import Tail
from support.brute_query import Message
from support.query_world import START_MS, document, message_record, world
from support.segments import sealed_world

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
BEFORE = make_ulid(1_700_000_030_000, 0)


def planned(
    text: str, kind: Kind = "message", *, before: str | None = None, after_commit: str | None = None
) -> Statement:
    node = parse_query(text, kind, now=NOW, tz=ZoneInfo("UTC"))
    return plan(node, kind, before=before, after_commit=after_commit, limit=25)


def matches(text: str) -> list[str]:
    """The MATCH texts of a query's arms, private-use characters as ASCII."""
    found = [parameter for parameter in planned(text).parameters if isinstance(parameter, str) and "{" in parameter]
    return ["".join(chr(ord(c) - 0xE000) if "\ue000" <= c <= "\ue07f" else c for c in text) for text in found]


def spelled(match: str) -> str:
    """A MATCH text in which `free "a b"` stands for words anywhere: in texts or in names."""
    alone = re.fullmatch(r'free "[^"]*"( \*)?', match) or (" OR " in match and "(" not in match)
    return re.sub(r'free "([^"]*)"( \*)?', lambda found: anywhere(found, alone=bool(alone)), match)


def anywhere(found: re.Match[str], *, alone: bool) -> str:
    words, star = found[1], found[2] or ""
    tagged = " ".join(f"word:{word}" for word in words.split())
    text = f'{{subject body}} : "{words}"{star} OR {{tags}} : "{tagged}"{star}'
    return text if alone else f"({text})"


def arms(text: str, *, before: str | None = None) -> int:
    return planned(text, before=before).sql.count(" AS n, ")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Order", 'free "order"'),
        ("foo-bar", 'free "foo bar"'),
        ("inv*", 'free "inv" *'),
        ("foo-b*", 'free "foo b" *'),
        ("a b", 'free "a" AND free "b"'),
        ("a a", 'free "a"'),
        ("a OR b", 'free "a" OR free "b"'),
        ("a -b", 'free "a" NOT free "b"'),
        ("-a", '{tags} : "all:documents" NOT free "a"'),
        ("--a", 'free "a"'),
        (
            "a b -c -d",
            '(free "a" AND free "b") NOT (free "c" OR free "d")',
        ),
        ("-a -b", '{tags} : "all:documents" NOT (free "a" OR free "b")'),
        ("subject:x", '{subject} : "x"'),
        ("body:x*", '{body} : "x" *'),
        ("filename:a.pdf", '{tags} : "filename:a filename:pdf"'),
        ("type:image/*", '{tags} : "type:image/" *'),
        ("header:List-ID", '{tags} : "header:list-id"'),
        ("header:X-*", '{tags} : "header:x-" *'),
        ('header:X="a b"', '{tags} : "header.x:a header.x:b"'),
        ("from:Alice@X.org", '{tags} : "from:alice@x.org"'),
        ("to:@x.org", '{tags} : "to.domain:x.org"'),
        ("rcpt:x.org", '{tags} : "rcpt.local:x.org" OR {tags} : "rcpt.under:x.org"'),
        ("cc:bob", '{tags} : "cc.local:bob" OR {tags} : "cc.under:bob" OR {tags} : "cc.name:bob"'),
        ("from:a@x*", '{tags} : "from:a@x" *'),
        ("mailfrom:<>", '{tags} : "mailfrom:<>"'),
        ("has:attachment", '{tags} : "has:attachment"'),
        ("message-id:<A@x>", '{tags} : "message-id:a@x"'),
        ('"a\\"; DROP TABLE doc --"', 'free "a drop table doc"'),
    ],
)
def test_a_query_becomes_a_match(text: str, match: str) -> None:
    assert matches(text) == [spelled(match)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a", 1),
        ("after:2026-01-01", 1),
        ("after:2026-01-01 a", 1),
        ("after:2026-01-01 before:2026-01-02 a", 1),
        ("-after:2026-01-01 a", 1),
        ("a OR after:2026-01-01", 2),
        ("(a after:2026-01-01) OR (b before:2026-01-01)", 2),
        ("(a after:2026-01-01) OR (a before:2026-01-01)", 1),
        ("a OR on:2026-01-01", 3),
        ("on:2026-01-01 OR on:2026-01-03", 2),
        (f"id:{ULID}", 1),
        (f"-id:{ULID}", 2),
    ],
)
def test_bounds_on_time_cut_the_time_line(text: str, count: int) -> None:
    assert arms(text) == count


def test_what_can_hold_for_nothing_reads_nothing() -> None:
    assert "WHERE 0" in planned("after:2026-01-02 before:2026-01-01").sql
    assert "WHERE 0" in planned("after:2026-01-02", before=make_ulid(0, 5)).sql


def test_a_cursor_leaves_out_slices_that_are_past() -> None:
    assert arms("a OR after:2026-01-01", before=make_ulid(1_000_000, 0)) == 1


BOUNDED = [
    "",
    "alpha",
    "alpha beta OR gamma",
    "-alpha",
    "ord*",
    '"beta gamma" from:alice',
    "alpha after:2023-11-14T22:13:30",
    "alpha after:2023-11-14T22:13:30 before:2023-11-14T22:14:00",
    "alpha OR after:2023-11-14T22:13:30",
    "(alpha after:2023-11-14T22:13:30) OR (beta before:2023-11-14T22:13:40) OR on:2023-11-15 OR -rcpt:x.org",
    f"id:{ULID} OR alpha",
    "larger:1k",
    "-larger:20k alpha",
    "smaller:1.5m OR beta",
    "body:alpha -filename:ord* OR header:list-id=beta OR type:image/* OR has:inline",
]


@pytest.mark.parametrize("after_commit", [None, BEFORE])
@pytest.mark.parametrize("before", [None, BEFORE])
@pytest.mark.parametrize("text", BOUNDED)
@pytest.mark.parametrize("place", ["tail", "segment"])
def test_nothing_is_sorted_and_every_bound_is_used(
    text: str, before: str | None, after_commit: str | None, place: str
) -> None:
    statement = planned(text, before=before, after_commit=after_commit)
    source = world("message", 0)[0] if place == "tail" else sealed_world("message", 0)[0][0]
    rows = source._database.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters).fetchall()
    steps = [str(row[3]) for row in rows]
    assert not [step for step in steps if "TEMP B-TREE" in step or "MATERIALIZE" in step]
    scans = [step for step in steps if step.startswith("SCAN") and step != "SCAN doc"]
    # 192 = FTS5_BI_ORDER_ROWID | FTS5_BI_ORDER_DESC: the index is walked by falling row number, MATCH given
    assert all(step.startswith("SCAN fts VIRTUAL TABLE INDEX 192:M") for step in scans)
    assert sum(step.count("<") for step in scans) == statement.sql.count("AND fts.rowid < ")
    arms_from_below = [arm for arm in statement.sql.split(" UNION ALL ") if "AND fts.rowid >= " in arm]
    assert sum(step.count(">") for step in scans) >= len(arms_from_below)
    if after_commit is not None and "WHERE 0" not in statement.sql:
        assert "SEARCH doc USING COVERING INDEX doc_commit (commit_seq>?)" in steps
    if "SCAN doc" in steps:  # by falling row number until the page is full
        assert (text, before, after_commit) == ("", None, None)


def test_a_page_reads_no_more_than_it_shows() -> None:
    """Pages of SQLite touched, at eight times the documents: a little more for deeper trees, far less than all."""
    touched = {size: pages_touched(size) for size in (500, 4000)}
    for query, few in touched[500].items():
        many = touched[4000][query]
        assert many <= 4 * few, query
        assert many < (1000 if "er:" in query else 400), query  # a comparison is up to 32 terms to look up


def pages_touched(size: int) -> dict[str, int]:
    tail = Tail("message")
    tail.put(map(document, map(numbered, range(size))))
    counts = {}
    for query in (
        "", "alpha", "rare", "-nothing", "alpha -rare", "alpha OR rare", '"alpha beta"', "from:x.org", "body:alpha",
        "larger:99", "smaller:20k", "-larger:20k", "larger:10 rare", "has:attachment OR larger:50",
    ):  # fmt: skip
        for before in (None, make_ulid(START_MS + size * 500, 0)):
            statement = planned(query, before=before)
            tail.search(statement)
            tail._database.status(apsw.SQLITE_DBSTATUS_CACHE_HIT, True)
            assert len(tail.search(statement)) >= min(25, size // 100)
            counts[f"{query} before: {before is not None}"] = tail._database.status(
                apsw.SQLITE_DBSTATUS_CACHE_HIT, True
            )[0]
    return counts


def numbered(number: int) -> Message:
    ulid = make_ulid(START_MS + number * 1000, number)
    sender = (EmailAddress(name=None, email=f"u{number}@x.org"),)
    return Message(message_record(ulid, from_=sender), "alpha beta rare" if number % 50 == 0 else "alpha beta", ulid)


HOSTILE = [
    '"\\"',
    "'; DROP TABLE doc; --",
    '") OR ("a',
    '"a" OR "b"',
    'from:"x" OR tags : "all"',
    "from:x)OR(a",
    "a\x00b",
    "subject:a\x00*",
    "from:a\x00b@c",
    "NEAR(a b)",
    "a NEAR/2 b",
    "a + b",
    "^a",
    "{tags}:x",
    "tags : x",
    "rowid:1",
    "fts:a",
    "\ue000\ue0fe\ue0ff a",
    "from:\ue03aall",
    "a\ud800b",
    "from:\ud83d@x",
    "message-id:%s?1:x@$y",
    "a? :b ?1 @c $d",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["message", "session"])
def test_hostile_texts_are_refused_or_harmless(text: str, kind: Kind) -> None:
    tail, things = world(kind, 0)
    attempt(text, kind, tail)
    assert len(tail) == len(things)


def test_the_largest_comparison_of_sessions_is_answered() -> None:
    tail, things = world("session", 0)
    every = " OR ".join(f"messages:{number}" for number in range(MAX_TERMS))
    node = parse_query(every, "session", now=NOW)
    assert len(tail.search(plan(node, "session", limit=1000))) == len(things)


@given(st.text(max_size=60) | st.text(st.sampled_from(list('ab"*():-<>@.{}^+\\ \x00éｱ東\u0301\ue03a')), max_size=40))
def test_no_query_that_parses_makes_sqlite_complain(text: str) -> None:
    tail, _ = world("message", 0)
    attempt(text, "message", tail)
    attempt(" ".join(f"{spec.name}:{text}" for spec in OPERATORS), "message", tail)
    for name in ("from", "subject", "message-id", "rcpt"):
        quoted = text.replace("\\", "").replace('"', "")
        attempt(f'{name}:"{quoted}"', "message", tail)


def attempt(text: str, kind: Kind, tail: Tail) -> None:
    try:
        node = parse_query(text, kind, now=NOW)
    except QueryError:
        return
    statement = plan(node, kind, limit=10)
    assert re.fullmatch(r"[A-Za-z0-9_.,()=<>?+ ]+", statement.sql)
    tail.search(statement)


def deepest_of(level: str, text: str) -> str:
    """`text` within as many levels as the parser lets through."""
    while True:
        try:
            planned(level.format(text))
        except QueryError:
            return text
        text = level.format(text)


@pytest.mark.parametrize(
    "level",
    ["(b OR (c {}))", "(c (b OR {}))", "-(b {})", "-(b OR {})", "(x -(b OR {}))", "(x y -z -(v w -u -{}))", "-(-{} b)"],
)
def test_the_deepest_query_is_no_deeper_than_fts5_allows(level: str) -> None:
    tail, _ = world("message", 0)
    deepest = deepest_of(level, "from:a@b")
    assert deepest.count("(") + deepest.count("-") > MAX_DEPTH // 2
    for leaf in ("from:a@b", "from:a", "from:a*", '"a b"', "smaller:5"):
        tail.search(planned(deepest.replace("from:a@b", leaf)))


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"w{number}" for number in range(MAX_TERMS)),
        " OR ".join(f"from:w{number}" for number in range(MAX_TERMS)),
        "nowhere " + " ".join(f"-from:w{number}" for number in range(MAX_TERMS - 1)),
        " OR ".join(f"id:{make_ulid(START_MS, number * 7)}" for number in range(120)),
        " OR ".join(f"(after:2026-01-{day:02} w{day})" for day in range(1, 32)),
        f"nowhere ({' OR '.join(f'larger:{number}' for number in range(MAX_TERMS - 1))})",
        "nowhere " + " ".join(f"-smaller:{number}" for number in range(MAX_TERMS - 1)),
        '"' + "x " * 2000 + '"',
        "東" * 4000,
    ],
)
def test_the_largest_queries_are_answered(text: str) -> None:
    tail, _ = world("message", 0)
    assert tail.search(planned(text)) == []


def test_many_ids_are_found() -> None:
    tail, things = world("message", 0)
    wanted = sorted((thing.id for thing in things[::3]), reverse=True)[:25]
    found = tail.search(planned(" OR ".join(f"id:{ulid}" for ulid in wanted)))
    assert [hit.id for hit in found] == wanted


def test_a_limit_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="limit"):
        plan(None, "message", limit=0)


def test_expressions_stay_simple() -> None:
    leaf = Match("subject", ("a",))
    assert negation(negation(leaf)) == leaf
    assert conjunction([leaf, EVERYTHING, leaf]) == leaf
    assert conjunction([leaf, NOTHING]) == NOTHING
    assert conjunction([]) == EVERYTHING
    assert disjunction([leaf, NOTHING]) == leaf
    assert disjunction([leaf, EVERYTHING]) == EVERYTHING
    assert disjunction([]) == NOTHING
    assert negation(EVERYTHING) == NOTHING
    assert negation(leaf) == Negation(leaf)
