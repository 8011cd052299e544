"""The stored transcript of a session, replayed through the same machine, gives the same session."""

from pathlib import Path

import pytest

from mailscribe.smtp.playing import Played
from mailscribe.smtp.replay import Login
from support.dialogs import DIALOGS, driver_of, play, read
from support.machine import Driver
from support.replaying import contents_of, conversation, envelopes, replay, script

DROPPED = "what the client sent too early was thrown away, and is in no record"
OTHER_SECRET = "the record has no secret, so one that was wrong cannot be wrong in the same way"
UNLIKE = {
    "auth": OTHER_SECRET,
    "rules-auth": OTHER_SECRET,
    "early-content": DROPPED,
    "early-talker-refused": DROPPED,
    "starttls-early": DROPPED,
    "no-service": "the listener has service now",
    "too-many-sessions": "there are not too many now",
    "chunks-refused": "there is room now, and the store works",
    "store-fails": "the store works now",
}
"""Dialogs that depend on more than what the client said, by name and reason."""


def again(path: Path) -> tuple[Driver, Driver, list[Played]]:
    """A dialog, and its transcript replayed."""
    first, second = play(path, keeps=True), driver_of(read(path), keeps=True)
    if not first.closed:
        first.do(first.session.eof)
    users = [line.split()[1:] for line in read(path) if line.startswith("user ")] or [["mable", "open-sesame"]]
    return first, second, replay(first.transcript, contents_of(first), second, Login(*users[0]))


@pytest.mark.parametrize("path", [path for path in DIALOGS if path.stem not in UNLIKE], ids=lambda path: path.stem)
def test_the_same_session(path: Path) -> None:
    first, second, played = again(path)
    assert conversation(second) == script(first)
    assert [each for each in played if not each.same_code] == []
    assert envelopes(second) == envelopes(first)


@pytest.mark.parametrize("path", [path for path in DIALOGS if path.stem in UNLIKE], ids=lambda path: path.stem)
def test_what_is_not_the_same_is_seen(path: Path) -> None:
    _, _, played = again(path)
    assert any(not each.same_code for each in played)


def test_exceptions_are_dialogs() -> None:
    assert set(UNLIKE) <= {path.stem for path in DIALOGS}
