"""What the two kinds have in common: a page of a list, and a wait for the next ones."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from mailscribe.errors import ParameterError
from mailscribe.ids import ulid_ms
from mailscribe.records import Kind, MessageRecord, SessionRecord, Value
from mailscribe.service.api.answer import Answer, json_answer, no_content
from mailscribe.service.api.large import fit
from mailscribe.service.api.parameters import COUNT, CURSOR, LIMIT, SINCE, TIMEOUT, TZ, Q, Since
from mailscribe.service.api.routes import Call, Held, Mode, Services
from mailscribe.service.search import Question, after
from mailscribe.service.waits import wait_blocking

LIST_PARAMETERS = (Q, LIMIT, CURSOR, TZ)
COUNT_PARAMETERS = (Q, TZ)
WAIT_PARAMETERS = (Q, SINCE, COUNT, TIMEOUT, TZ)

JUST_NOW_MS: Final = 3_600_000
"""An id that young may be on its way through ingest."""


class MatchCount(Value, frozen=True, kw_only=True):
    """How many match; a lower bound when it is not `exact`."""

    count: int
    exact: bool


def answer_page(services: Services, call: Call, kind: Kind, noun: str) -> Answer:
    """A page of summaries under the name `noun`, and `next`."""
    page = services.search.page(question_of(call, kind), cursor=call.arguments[CURSOR], limit=call.arguments[LIMIT])
    answer: dict[str, object] = {noun: page.summaries, "next": page.next}
    if page.scanned_through is not None:
        answer |= {"partial": True, "scannedThrough": page.scanned_through}
    return json_answer(answer)


def answer_count(services: Services, call: Call, kind: Kind) -> Answer:
    """How many match."""
    found = services.search.count(question_of(call, kind))
    return json_answer(MatchCount(count=found.count, exact=found.exact))


def answer_wait[T: (MessageRecord, SessionRecord)](
    services: Services, call: Call, kind: Kind, noun: str, load: Callable[[Sequence[str]], list[T]]
) -> Answer | Held:
    """The first `count` matches in commit order, whole and under the name `noun`, once there are so many; else 204."""
    question, after_commit = question_of(call, kind), commit_after(services, call, call.arguments[SINCE])
    count, seconds = call.arguments[COUNT], seconds_of(services, call)

    def poll() -> list[T] | None:
        hits = services.search.first(question, after_commit=after_commit, count=count)
        found = load([hit.id for hit in hits]) if len(hits) == count else []
        return found if len(found) == count else None

    found = poll()
    if found is None and seconds and call.mode is Mode.HOLD:
        return Held(seconds, lambda: poll() is not None)
    if found is None and seconds and call.mode is Mode.BLOCK:
        with services.slots.hold(seconds):
            found = wait_blocking(poll, seconds=seconds, clock=services.monotonic, sleep=services.sleep)
    if found is None:
        return no_content()
    answer = json_answer({noun: found})
    if count == 1:
        return fit(services, answer, found[0].id, f"{noun}.json")
    if services.links is not None and answer.length > services.settings.answer_limit:
        raise ParameterError(COUNT.name, "the records are too large for one answer; ask for fewer")
    return answer


def question_of(call: Call, kind: Kind) -> Question:
    """What a call asks for in `q` and `tz`."""
    now = datetime.fromtimestamp(call.now_ms / 1000, UTC)
    return Question(kind=kind, text=call.arguments[Q], now=now, tz=call.arguments[TZ])


def seconds_of(services: Services, call: Call) -> float:
    """How long a call may wait. Raises `ParameterError` when it wants more."""
    seconds, limit = call.arguments[TIMEOUT], services.settings.wait_limit
    if seconds is None:
        return limit
    if seconds > limit:
        raise ParameterError(TIMEOUT.name, f"more than {limit} seconds")
    return seconds


def commit_after(services: Services, call: Call, since: Since) -> str:
    """The commit sequence after which a call wants what became readable. Raises `ParameterError`."""
    if since.ulid is not None:
        commit = services.search.commit_of(since.ulid)
        if commit is not None:
            return commit
        if not 0 <= call.now_ms - ulid_ms(since.ulid) <= JUST_NOW_MS:
            raise ParameterError(SINCE.name, "no message or session has this id")
        return after(ulid_ms(since.ulid))  # just acknowledged, not readable yet: what comes now comes after it
    if since.moment is not None:
        return after(_milliseconds(since.moment, call.arguments[TZ]))
    return after(call.now_ms - (since.ago_ms or 0))


def _milliseconds(moment: datetime, tz: tzinfo) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=tz)
    return int((aware - datetime.fromtimestamp(0, UTC)).total_seconds() * 1000)
