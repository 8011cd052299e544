"""Errors as RFC 9457 problem documents, from one table: what was raised → what the caller reads.

A problem's `type` is the anchor of its row on the docs page, which is made from this table. `detail` comes from
the table or from errors whose text is written for callers (`ParameterError`, `QueryError`); the text of any other
exception stays in the log. What the table does not name is 500 and logged.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from mailscribe.errors import CursorError, NotFound, ObjectNotFound, ParameterError, QueryError, StoreUnavailable
from mailscribe.policy.rule_form import FormError
from mailscribe.service.api.answer import Answer
from mailscribe.service.slots import TooManyWaits
from mailscribe.service.tokens import ScopeMissing, TokenNarrowed, Unauthenticated

CONTENT_TYPE: Final = "application/problem+json"
DOCS: Final = "/v1/docs"
RETRY_SECONDS: Final = "5"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """A row of the table: the anchor that names the type, status, title, and what is said when nothing better is."""

    name: str
    status: int
    title: str
    detail: str

    @property
    def type(self) -> str:
        """The URI reference of the type."""
        return f"{DOCS}#problem-{self.name}"


BAD_PARAMETER: Final = Problem(
    "bad-parameter", 400, "A query parameter cannot be used", "A query parameter is unknown or cannot be used."
)
BAD_QUERY: Final = Problem(
    "bad-query",
    400,
    "The query is not understood",
    "`position` is where reading stopped, `expected` what could have stood there.",
)
BAD_CURSOR: Final = Problem(
    "bad-cursor",
    400,
    "The cursor cannot be used",
    "The cursor is malformed, or was given out for another list or query. Begin again without one.",
)
NO_TOKEN: Final = Problem(
    "unauthenticated", 401, "A token is needed", "Send `Authorization: Bearer TOKEN` with a valid token."
)
BAD_TOKEN: Final = Problem(
    "bad-token", 401, "The token is not valid", "The token is malformed, unknown, revoked or expired."
)
NO_SCOPE: Final = Problem(
    "missing-scope", 403, "The token does not allow this", "The token lacks the scope that this call needs."
)
NARROWED: Final = Problem(
    "token-bound-to-recipients",
    403,
    "The token is bound to recipients",
    "Tokens that are bound to recipients cannot be answered yet; use one without that bond.",
)
NOT_FOUND: Final = Problem(
    "not-found", 404, "There is no such thing", "Nothing is found at this address with this token."
)
BAD_METHOD: Final = Problem(
    "method-not-allowed", 405, "The method is not allowed here", "`Allow` names the methods that are."
)
NOT_ACCEPTABLE: Final = Problem(
    "not-acceptable", 406, "No form that you accept", "None of the types in Accept can be given."
)
COUNT_DIFFERS: Final = Problem(
    "count-differs", 409, "Not so many messages match", "`count` is how many do. Nothing was deleted."
)
TOO_MANY: Final = Problem(
    "too-many", 422, "Too many messages for one call", "`limit` is how many one call takes. Narrow the query."
)
TOO_LARGE: Final = Problem("request-too-large", 413, "The request is too large", "No call needs so large a body.")
BAD_BODY: Final = Problem(
    "bad-body", 422, "The body cannot be used", "The body says something that cannot be done; `detail` says what."
)
FOREIGN_ORIGIN: Final = Problem(
    "foreign-origin", 403, "A page of another host asks", "Calls that change something are not taken from other pages."
)
BAD_RANGE: Final = Problem(
    "range-not-satisfiable", 416, "The range cannot be satisfied", "`Content-Range` says how long the content is."
)
UNKNOWN_HOST: Final = Problem(
    "unknown-host", 421, "The host is not served here", "The Host field names none of the hosts of this service."
)
BUSY: Final = Problem(
    "too-many-waits", 429, "Too many waits are held", "Every slot for waits is taken; `Retry-After` says when to ask."
)
UNEXPECTED: Final = Problem(
    "unexpected", 500, "Something went wrong here", "The fault is ours and was logged; nothing was changed."
)
UNAVAILABLE: Final = Problem(
    "unavailable", 503, "The store does not answer", "Nothing is lost; `Retry-After` says when to ask again."
)
STOPPING: Final = Problem("stopping", 503, "The service stops", "Ask again once it is back.")

PROBLEMS: Final = (
    BAD_PARAMETER,
    BAD_QUERY,
    BAD_CURSOR,
    NO_TOKEN,
    BAD_TOKEN,
    NO_SCOPE,
    NARROWED,
    NOT_FOUND,
    BAD_METHOD,
    NOT_ACCEPTABLE,
    COUNT_DIFFERS,
    TOO_LARGE,
    TOO_MANY,
    BAD_BODY,
    FOREIGN_ORIGIN,
    BAD_RANGE,
    UNKNOWN_HOST,
    BUSY,
    UNEXPECTED,
    UNAVAILABLE,
    STOPPING,
)


class Refused(Exception):
    """Carries a problem from where it is found to where it is answered."""

    def __init__(
        self,
        problem: Problem,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = dict(members or {})


@dataclass(frozen=True, slots=True)
class _Finding:
    problem: Problem
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)


def problem_document(
    problem: Problem, instance: str, *, detail: str | None = None, members: Mapping[str, Any] | None = None
) -> bytes:
    """The JSON that states a problem met at the path `instance`."""
    document = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": detail or problem.detail,
        "instance": instance,
    } | dict(members or {})
    return msgspec.json.encode(document)


def answer_error(error: Exception, instance: str) -> Answer:
    """The answer to an error raised while the path `instance` was answered; logged if it is ours."""
    found = _find(error)
    if found.problem is UNEXPECTED:
        _log.error("unexpected error at %s", instance, exc_info=error)
    elif found.problem is UNAVAILABLE:
        _log.warning("store unavailable at %s: %s", instance, error)
    document = problem_document(found.problem, instance, detail=found.detail, members=found.members)
    return Answer(found.problem.status, document, CONTENT_TYPE, found.headers)


def _find(error: Exception) -> _Finding:  # noqa: C901 - a table of types
    match error:
        case Refused():
            return _Finding(error.problem, error.detail, error.headers, error.members)
        case QueryError():
            members = {"position": error.position, "expected": error.expected}
            return _Finding(BAD_QUERY, error.detail, members=members)
        case ParameterError():
            return _Finding(BAD_PARAMETER, str(error), members={"parameter": error.name})
        case FormError():
            return _Finding(BAD_BODY, str(error))
        case CursorError():
            return _Finding(BAD_CURSOR)
        case Unauthenticated():
            challenge = 'Bearer realm="mailscribe"' + (', error="invalid_token"' if error.given else "")
            return _Finding(BAD_TOKEN if error.given else NO_TOKEN, headers={"WWW-Authenticate": challenge})
        case ScopeMissing():
            challenge = f'Bearer realm="mailscribe", error="insufficient_scope", scope="{error.scope}"'
            return _Finding(NO_SCOPE, headers={"WWW-Authenticate": challenge})
        case TokenNarrowed():
            return _Finding(NARROWED)
        case NotFound() | ObjectNotFound():
            return _Finding(NOT_FOUND)
        case TooManyWaits():
            return _Finding(BUSY, headers={"Retry-After": str(error.retry_after)})
        case StoreUnavailable():
            return _Finding(UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS})
        case _:
            return _Finding(UNEXPECTED)
