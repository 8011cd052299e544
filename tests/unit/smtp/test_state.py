"""State x verb: the table is total, and order is kept as RFC 5321 section 4.1.4 says."""

import pytest

from mailscribe.smtp.answering import HANDLERS
from mailscribe.smtp.command import VERBS, Verb
from mailscribe.smtp.reply import REPLIES, ReplyName
from mailscribe.smtp.state import ORDER, State

ANYWHERE = (Verb.NOOP, Verb.HELP, Verb.VRFY, Verb.EXPN, Verb.RSET, Verb.QUIT, Verb.HELO, Verb.EHLO)
SERVED = [state for state in State if state is not State.NO_SERVICE]


def test_tables_are_total() -> None:
    assert set(ORDER) == set(State)
    assert set(VERBS) == set(Verb)
    for state in State:
        assert set(ORDER[state]) == set(Verb)


def test_every_verb_that_may_go_ahead_has_a_handler() -> None:
    for row in ORDER.values():
        for verb, refusal in row.items():
            assert refusal is not None or verb in HANDLERS


@pytest.mark.parametrize("state", SERVED)
@pytest.mark.parametrize("verb", ANYWHERE)
def test_some_commands_work_in_every_state(state: State, verb: Verb) -> None:
    assert ORDER[state][verb] is None


@pytest.mark.parametrize("state", SERVED)
@pytest.mark.parametrize("verb", [verb for verb in Verb if VERBS[verb].off])
def test_known_but_off_is_502_everywhere(state: State, verb: Verb) -> None:
    assert ORDER[state][verb] is ReplyName.COMMAND_OFF


@pytest.mark.parametrize("state", SERVED)
def test_unknown_is_500_everywhere(state: State) -> None:
    assert ORDER[state][Verb.UNKNOWN] is ReplyName.UNKNOWN_COMMAND


def test_after_554_only_quit_is_served() -> None:
    for verb in Verb:
        if verb not in (Verb.QUIT, Verb.FOREIGN):
            assert ORDER[State.NO_SERVICE][verb] is ReplyName.ONLY_QUIT


@pytest.mark.parametrize(
    ("state", "verb", "code"),
    [
        (State.OPEN, Verb.MAIL, 503),
        (State.OPEN, Verb.RCPT, 503),
        (State.OPEN, Verb.DATA, 503),
        (State.READY, Verb.MAIL, None),
        (State.READY, Verb.RCPT, 503),
        (State.READY, Verb.DATA, 503),
        (State.MAIL, Verb.MAIL, 503),
        (State.MAIL, Verb.RCPT, None),
        (State.MAIL, Verb.DATA, 503),
        (State.REFUSED, Verb.MAIL, 503),
        (State.REFUSED, Verb.RCPT, None),
        (State.REFUSED, Verb.DATA, 554),
        (State.RCPT, Verb.MAIL, 503),
        (State.RCPT, Verb.RCPT, None),
        (State.RCPT, Verb.DATA, None),
        (State.OPEN, Verb.BDAT, 503),
        (State.READY, Verb.BDAT, 503),
        (State.MAIL, Verb.BDAT, 503),
        (State.REFUSED, Verb.BDAT, 554),
        (State.RCPT, Verb.BDAT, None),
        (State.CHUNKS, Verb.BDAT, None),
        (State.CHUNKS, Verb.MAIL, 503),
        (State.CHUNKS, Verb.RCPT, 503),
        (State.CHUNKS, Verb.DATA, 503),
        (State.OPEN, Verb.SEND, 503),
        (State.READY, Verb.SOML, None),
        (State.MAIL, Verb.SAML, 503),
        (State.OPEN, Verb.AUTH, 503),
        (State.READY, Verb.AUTH, None),
        (State.MAIL, Verb.AUTH, 503),
        (State.RCPT, Verb.AUTH, 503),
        (State.CHUNKS, Verb.AUTH, 503),
        (State.OPEN, Verb.STARTTLS, 503),
        (State.RCPT, Verb.STARTTLS, None),
    ],
)
def test_order_of_the_transaction(state: State, verb: Verb, code: int | None) -> None:
    refusal = ORDER[state][verb]
    assert (None if refusal is None else REPLIES[refusal].code) == code
