"""A conversation in the form that Accept asks for: turns as JSON, classic text, or the events as they are stored."""

from dataclasses import replace
from typing import Final, Literal

from msgspec import UNSET, UnsetType

from mailscribe.records import Turn, Value
from mailscribe.service.api.answer import JSON, JSON_LINES, TEXT, Answer, json_answer
from mailscribe.service.api.large import fit
from mailscribe.service.api.negotiation import negotiate
from mailscribe.service.api.routes import Call, Services
from mailscribe.service.reading import Conversation

FORMS: Final = {JSON: "json", "text/plain": "txt", JSON_LINES: "jsonl"}
"""Types, and the endings of their files."""
VARY: Final = {"Vary": "Accept"}


class ConversationTurns(Value, frozen=True, kw_only=True):
    """Turns of a session, or of one transaction in it; `open` while more may follow."""

    session: str
    transaction: int | UnsetType = UNSET
    open: Literal[True] | UnsetType = UNSET
    turns: tuple[Turn, ...]


def answer_conversation(services: Services, call: Call, conversation: Conversation) -> Answer:
    """The conversation in the form that the caller accepts. Raises `Refused` (406)."""
    form = negotiate(call.request.headers.get("accept"), tuple(FORMS))
    answer = fit(services, _in_form(form, conversation), call.id, f"transcript.{FORMS[form]}")
    return replace(answer, headers={**answer.headers, **VARY})


def _in_form(form: str, conversation: Conversation) -> Answer:
    if form == JSON_LINES:
        return Answer(200, conversation.events(), JSON_LINES)
    if form == "text/plain":
        return Answer(200, conversation.classic().encode(), TEXT)
    document = ConversationTurns(
        session=conversation.session,
        transaction=UNSET if conversation.transaction is None else conversation.transaction,
        open=True if conversation.open else UNSET,
        turns=conversation.turns(),
    )
    return json_answer(document)
