"""The operator table: complete, and each row's example works."""

from datetime import UTC, datetime

import pytest

from mailscribe.query import OPERATORS, Operator, OperatorSpec, Word, parse_query, plan
from mailscribe.query.operators import TABLE
from mailscribe.records import Kind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROWS = [(spec, kind) for spec in OPERATORS for kind in spec.kinds]


def test_operators_are_there() -> None:
    assert set(TABLE["message"]) >= {
        "from", "to", "cc", "rcpt", "mailfrom", "subject", "message-id", "session", "id", "has", "after", "before",
        "is", "status", "recipient",
    }  # fmt: skip
    assert set(TABLE["session"]) >= {
        "mailfrom", "rcpt", "session", "after", "before", "helo", "ip", "verb", "code", "end", "outcome",
    }  # fmt: skip


def test_no_name_stands_twice_for_a_kind() -> None:
    names = [(spec.name, kind) for spec, kind in ROWS]
    assert len(names) == len(set(names)) == sum(map(len, TABLE.values()))


@pytest.mark.parametrize(("spec", "kind"), ROWS)
def test_an_example_is_of_its_operator_and_can_be_planned(spec: OperatorSpec, kind: Kind) -> None:
    assert spec.example.startswith(f"{spec.name}:")
    assert spec.doc.endswith(".")
    assert plan(parse_query(spec.example, kind, now=NOW), kind, limit=1).sql


@pytest.mark.parametrize("name", ["nope", "on", "verb"])
def test_an_operator_that_the_kind_has_not_cannot_be_planned(name: str) -> None:
    with pytest.raises(ValueError, match="can be planned"):
        plan(Operator(name, Word("x")), "message", limit=1)
