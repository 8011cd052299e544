"""How a session ended and what it came to: the same recorded live, read back, or closed after a crash."""

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.smtp import Refusal, close_lost, lost_line, outcome_of, read_transcript
from mailscribe.smtp.transcript import Transcript
from support.machine import GOOD, Driver, in_content, started


def reopened(driver: Driver) -> Transcript:
    """The transcript without its closing line."""
    whole = driver.transcript
    return Transcript(whole.id, whole.client, whole.listener, whole.host, whole.opened, whole.events, None)


def delivered() -> Driver:
    driver = in_content()
    driver.say(GOOD + b".\r\n")
    return driver


def failed() -> Driver:
    driver = in_content()
    driver.failure = StoreUnavailable("x")
    driver.say(GOOD + b".\r\n")
    return driver


def both() -> Driver:
    driver = delivered()
    driver.say(b"MAIL FROM:<bad\r\n")
    return driver


def refused(refusal: Refusal) -> Driver:
    driver = Driver()
    driver.do(lambda t: driver.session.open(t, refusal))
    return driver


def unknown() -> Driver:
    driver = started()
    driver.say(b"XYZZY\r\nRSET x\r\nVRFY\r\n")
    return driver


@pytest.mark.parametrize(
    ("driver", "outcome"),
    [
        (started(), ()),
        (unknown(), ()),
        (delivered(), ("delivered",)),
        (failed(), ("rejected",)),
        (both(), ("delivered", "rejected")),
        (refused(Refusal.TOO_MANY), ("rejected",)),
        (refused(Refusal.NO_SERVICE), ("rejected",)),
    ],
    ids=["none", "errors", "delivered", "failed", "both", "too-many", "no-service"],
)
def test_outcome_is_the_same_recorded_and_read(driver: Driver, outcome: tuple[str, ...]) -> None:
    driver.do(driver.session.eof)
    assert outcome_of(driver.transcript) == outcome
    assert outcome_of(reopened(driver)) == outcome


def test_a_lost_session_is_closed_where_it_stopped() -> None:
    driver = Driver()
    driver.t = 2_000_000
    driver.open()
    healed = read_transcript(close_lost(driver.stored + b'{"t":9,"dir'))
    assert healed.end is not None
    assert (healed.end.end, healed.end.t) == ("lost", 2_000_000)
    assert (healed.end.closed - healed.opened).total_seconds() == 2


def test_a_closed_one_stays_as_it_is() -> None:
    driver = delivered()
    driver.say(b"QUIT\r\n")
    assert lost_line(driver.stored) == b""
    assert close_lost(driver.stored) == driver.stored
