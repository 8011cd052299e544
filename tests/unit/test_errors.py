"""Errors: one base, by blame, and whether a retry helps."""

import inspect

import pytest

from mailscribe import errors
from mailscribe.errors import (
    CallerError,
    ConditionFailed,
    ConfigError,
    CorruptObject,
    CursorError,
    MailscribeError,
    NotFound,
    ObjectNotFound,
    ParameterError,
    QueryError,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]

RETRY: dict[type[MailscribeError], bool] = {
    MailscribeError: False,
    StoreError: False,
    StoreUnavailable: True,
    StoreFull: True,
    ObjectNotFound: False,
    ConditionFailed: True,
    CorruptObject: False,
    ConfigError: False,
    CallerError: False,
    QueryError: False,
    CursorError: False,
    ParameterError: False,
    NotFound: False,
}


def test_the_table_is_total() -> None:
    assert set(ALL) == set(RETRY)


@pytest.mark.parametrize(("kind", "retry"), RETRY.items())
def test_whether_a_retry_helps(kind: type[MailscribeError], retry: bool) -> None:
    assert issubclass(kind, MailscribeError)
    assert kind.retry is retry


def test_what_errors_carry() -> None:
    assert ObjectNotFound("a/b").key == "a/b"
    assert ConditionFailed((0, 3)).failed == (0, 3)
    query = QueryError("unknown operator", position=4, expected="an operator")
    assert (query.detail, query.position, query.expected) == ("unknown operator", 4, "an operator")
    parameter = ParameterError("limit", "more than 100")
    assert (parameter.name, parameter.detail) == ("limit", "more than 100")


def test_errors_are_also_what_callers_of_the_standard_library_catch() -> None:
    assert issubclass(ObjectNotFound, LookupError)
    assert issubclass(NotFound, LookupError)
    assert not issubclass(StoreError, CallerError)
