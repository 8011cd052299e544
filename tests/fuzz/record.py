"""Fuzz target: a stored transcript, whatever is in it, is read or refused; what is read can be told and replayed.

The bucket is the truth, and a bucket may hold what others wrote or what a disk made of it.
"""

from collections.abc import Iterator

from fuzz.session import play
from fuzz.session import seeds as sessions
from mailscribe.errors import CorruptObject
from mailscribe.records import Content
from mailscribe.smtp import classic, close_lost, outcome_of, read_transcript, turns_and_findings
from mailscribe.smtp.playing import Player
from mailscribe.smtp.replay import Login, plan, server_name, tls_at_opening
from support.machine import TLS

_REPLIES = (b"220 a\r\n", b"250-b\r\n250 c\r\n", b"354 d\r\n", b"334 \r\n", b"550 e\r\n", b"nonsense\n")
_MOST = 100_000
"""Octets that a stand-in for content may have here."""


def run(data: bytes) -> None:
    """Read it, tell it, replay it against a server that says anything."""
    try:
        transcript = read_transcript(data)
    except CorruptObject:
        return
    turns_and_findings(transcript)
    outcome_of(transcript)
    assert all(line.isprintable() for line in classic(transcript).split("\n"))
    if transcript.end is None:
        assert read_transcript(close_lost(data)).end is not None
    tls_at_opening(transcript)
    server_name(transcript)
    for login in (None, Login("user", "secret")):
        steps = plan(transcript, login)
        if all(step.source is None or step.source.size < _MOST for step in steps):
            answered(Player(steps, nothing), len(steps))


def nothing(_: Content) -> None:
    """No content is kept."""


def answered(player: Player, steps: int) -> None:
    """It comes to an end, and tells of each step once, in order."""
    told = 0
    for number in range(2 * steps + 2):
        player.output()
        if player.is_over:
            break
        if player.wants_tls:
            player.secured(TLS)
        else:
            player.receive(_REPLIES[number % len(_REPLIES)])
        told += len(player.played())
    player.lost("over")
    assert player.is_over
    assert told + len(player.played()) == steps


def seeds() -> Iterator[bytes]:
    """The records of the sessions of the other target."""
    for data in sessions():
        driver, _ = play(data, whole=True)
        yield driver.stored
