"""Errors over the API: one form, one table, nothing of an exception but what is meant for the caller."""

import logging
import traceback
from collections.abc import Callable, Mapping

import pytest

from mailscribe.errors import CorruptObject, StoreUnavailable
from mailscribe.service.api import problems
from mailscribe.service.api.problems import PROBLEMS, Problem
from support.api import ApiWorld, Reply
from support.faults import Faults, FaultyObjects, FaultyRecords

MEMBERS = {"type", "title", "status", "detail", "instance"}


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def check(reply: Reply, problem: Problem, path: str) -> dict[str, object]:
    document: dict[str, object] = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(document) >= MEMBERS
    assert reply.status == document["status"] == problem.status
    assert document["type"] == f"/v1/docs#problem-{problem.name}"
    assert document["title"] == problem.title
    assert document["instance"] == path
    assert document["detail"]
    return document


def test_the_table_is_consistent() -> None:
    assert len({problem.name for problem in PROBLEMS}) == len(PROBLEMS)
    named = [value for value in vars(problems).values() if isinstance(value, Problem)]
    assert set(named) == set(PROBLEMS)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("nonsense=1", "nonsense: unknown; known here: q, limit, cursor, tz"),
        ("Q=1", "Q: unknown; known here: q, limit, cursor, tz"),
        ("q=a&q=b", "q: given more than once"),
        ("limit=0", "limit: not a whole number from 1 to 100"),
        ("limit=101", "limit: not a whole number from 1 to 100"),
        ("limit=1.5", "limit: not a whole number from 1 to 100"),
        ("limit=", "limit: not a whole number from 1 to 100"),
        ("limit=%D9%A3", "limit: not a whole number from 1 to 100"),
        ("limit=" + "9" * 5000, "limit: not a whole number from 1 to 100"),
        ("tz=Nowhere/Land", "tz: neither an IANA time zone nor an offset such as +02:00"),
        ("tz=../../etc/passwd", "tz: neither an IANA time zone nor an offset such as +02:00"),
        ("tz=%00", "tz: neither an IANA time zone nor an offset such as +02:00"),
        ("tz=America", "tz: neither an IANA time zone nor an offset such as +02:00"),
        ("tz=", "tz: neither an IANA time zone nor an offset such as +02:00"),
        ("tz=%2B24:00", "tz: neither an IANA time zone nor an offset such as +02:00"),
        ("q=%00", "q: holds a NUL"),
        ("q=%FF", "query: percent-encoded bytes that are not UTF-8"),
        ("&".join(f"a{number}=1" for number in range(60)), "query: more than 50 parameters"),
        ("%0A%1B=1", "??: unknown; known here: q, limit, cursor, tz"),
        ("x" * 100 + "=1", "x" * 40 + "…: unknown; known here: q, limit, cursor, tz"),
    ],
)
def test_a_bad_parameter_is_named(world: ApiWorld, query: str, detail: str) -> None:
    document = check(world.call("/v1/messages", query), problems.BAD_PARAMETER, "/v1/messages")
    assert document["detail"] == detail
    assert document["parameter"] == detail.partition(":")[0]


@pytest.mark.parametrize("limit", [1, 100])
def test_the_ends_of_a_limit_are_in_it(world: ApiWorld, limit: int) -> None:
    assert world.call("/v1/messages", {"limit": limit}).status == 200


@pytest.mark.parametrize("path", ["/v1/health", "/v1/docs", "/v1/openapi.json", "/"])
def test_a_route_without_parameters_takes_none(world: ApiWorld, path: str) -> None:
    document = check(world.call(path, "a=1"), problems.BAD_PARAMETER, path)
    assert document["detail"] == "a: unknown; known here: none"


@pytest.mark.parametrize(
    ("text", "position"),
    [("nonsense:1", 0), ("lunch nonsense:1", 6), ("(", 1), ('"open', 5), ("after:yesterday", 6), ("a )", 2)],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/sessions", "/v1/messages/wait"])
def test_a_bad_query_says_where_and_what_was_expected(world: ApiWorld, path: str, text: str, position: int) -> None:
    document = check(world.call(path, {"q": text}), problems.BAD_QUERY, path)
    assert document["position"] == position
    assert document["expected"]


def test_an_unknown_operator_suggests_quotes(world: ApiWorld) -> None:
    document = check(world.call("/v1/messages", {"q": "http://x"}), problems.BAD_QUERY, "/v1/messages")
    assert '"http://x"' in str(document["detail"])


@pytest.mark.parametrize("cursor", ["x", "A" * 64, "é", "../..", " ", "a" * 10_000])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/sessions"])
def test_a_bad_cursor_is_said(world: ApiWorld, path: str, cursor: str) -> None:
    check(world.call(path, {"cursor": cursor}), problems.BAD_CURSOR, path)


def test_a_cursor_of_another_list_is_a_bad_one(world: ApiWorld) -> None:
    for number in (1, 2):
        world.message(number)
    cursor = world.call("/v1/messages", {"limit": 1}).json()["next"]
    assert world.call("/v1/messages", {"limit": 2, "cursor": cursor}).status == 200
    check(world.call("/v1/messages", {"q": "hello", "cursor": cursor}), problems.BAD_CURSOR, "/v1/messages")
    check(world.call("/v1/sessions", {"cursor": cursor}), problems.BAD_CURSOR, "/v1/sessions")
    check(world.call("/v1/messages", {"tz": "+01:00", "cursor": cursor}), problems.BAD_CURSOR, "/v1/messages")


@pytest.mark.parametrize(
    "part", ["messages", "messages/wait", "messages/{id}", "messages/{id}/raw", "messages/{id}/text", "sessions"]
)
@pytest.mark.parametrize("which", ["objects", "records"])
def test_a_store_that_is_down_is_unavailable_and_says_when_to_ask(part: str, which: str) -> None:
    faults = Faults()
    if which == "objects":
        world = ApiWorld(objects=lambda objects: FaultyObjects(objects, faults))
    else:
        world = ApiWorld(records=lambda records: FaultyRecords(records, faults))
    path = "/v1/" + part.replace("{id}", world.message())
    assert world.call(path).status == 200
    faults.calls.clear()
    world.clock.ms += 60_000
    faults.down = True
    reply = world.call(path)
    if not faults.calls:
        assert reply.status == 200
        return
    check(reply, problems.UNAVAILABLE, path)
    assert reply.headers["retry-after"] == "5"
    assert "fault" not in reply.body.decode()
    faults.down = False
    assert world.call(path).status == 200


def breaking(error: Exception) -> Callable[..., object]:
    def break_(*_: object, **__: object) -> object:
        raise error

    return break_


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a secret"),
        KeyError("a secret"),
        CorruptObject("a secret"),
        RecursionError("a secret"),
        ValueError("a secret"),
        PermissionError(13, "a secret"),
    ],
)
def test_anything_unexpected_is_said_without_a_word_of_it_and_logged_with_all(
    world: ApiWorld, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mailscribe.service.search.Search.page", breaking(error))
    reply = world.call("/v1/messages")
    check(reply, problems.UNEXPECTED, "/v1/messages")
    assert "secret" not in reply.body.decode()
    assert "Traceback" not in reply.body.decode()
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "a secret" in "".join(traceback.format_exception(record.exc_info[1]))


def test_even_an_error_in_the_checks_is_an_answer(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailscribe.service.tokens.Tokens.verify", breaking(RuntimeError("a secret")))
    check(world.call("/v1/messages"), problems.UNEXPECTED, "/v1/messages")
    monkeypatch.setattr("mailscribe.service.tokens.Tokens.verify", breaking(StoreUnavailable("a secret")))
    check(world.call("/v1/messages"), problems.UNAVAILABLE, "/v1/messages")


@pytest.mark.parametrize("path", ["/nothing/\ud800", "/v1/\udcff", "/\u202e"])
def test_a_path_that_is_not_unicode_is_still_answered(world: ApiWorld, path: str) -> None:
    assert world.call(path).status == 404


@pytest.mark.parametrize("change", [{"headers": None}, {"rawQueryString": None}, {"cookies": ["a=b"]}, {"body": "x"}])
def test_an_event_with_less_or_more_in_it_is_answered(world: ApiWorld, change: Mapping[str, object]) -> None:
    event = world.event("/v1/health") | dict(change)
    assert world.api(event)["statusCode"] == (421 if "headers" in change else 200)


def test_head_of_a_problem_has_its_length_and_no_body(world: ApiWorld) -> None:
    told = world.call("/v1/messages", "x=1")
    reply = world.call("/v1/messages", "x=1", method="HEAD")
    assert (reply.status, reply.body) == (400, b"")
    assert reply.headers["content-length"] == str(len(told.body))
