"""`/v1/search/operators`: the table of operators as callers see it, and each example is a query that works."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mailscribe.query import OPERATORS, parse_query
from support.api import ApiWorld

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture(scope="module")
def operators(world: ApiWorld) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.call("/v1/search/operators").json()["operators"]
    return found


def test_every_operator_is_there(operators: list[dict[str, Any]]) -> None:
    assert [(each["name"], each["kinds"]) for each in operators] == [
        (spec.name, list(spec.kinds)) for spec in OPERATORS
    ]
    assert all(set(each) == {"name", "kinds", "value", "choices", "doc", "example"} for each in operators)


def test_every_example_is_answered(world: ApiWorld, operators: list[dict[str, Any]]) -> None:
    for each in operators:
        assert each["example"].startswith(f"{each['name']}:")
        for kind in each["kinds"]:
            assert world.call(f"/v1/{kind}s", {"q": each["example"]}).status == 200, each["example"]


def test_every_choice_is_a_value(operators: list[dict[str, Any]]) -> None:
    closed = [each for each in operators if each["choices"]]
    assert {"has", "is", "end", "outcome", "delivery"} == {each["name"] for each in closed}
    for each in closed:
        for choice in each["choices"]:
            assert parse_query(f"{each['name']}:{choice}", each["kinds"][0], now=NOW) is not None


def test_a_token_is_needed(world: ApiWorld) -> None:
    assert world.call("/v1/search/operators", using=None).status == 401
