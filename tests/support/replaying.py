"""A stored session played against the machine, in memory: no sockets, the driver's answers as they are set."""

import re

from mailscribe.records import Content
from mailscribe.smtp import Transcript, classic, parse_trace
from mailscribe.smtp.playing import Contents, Played, Player
from mailscribe.smtp.replay import Login, plan, tls_at_opening
from support.dialogs import PACE
from support.machine import TLS, Driver

_MASK = re.compile(r"\[masked [0-9]+\]")
ROUNDS = 100_000
"""More than any test needs: a player that does not come to its end fails."""


def contents_of(driver: Driver) -> Contents:
    """What became objects while `driver` was driven: messages, and refused content that was kept."""
    kept = {message.id: message.content for message in driver.messages if message.fate in ("stored", "kept", "failed")}

    def find(content: Content) -> bytes | None:
        return kept.get(str(content.message)) or kept.get(str(content.refused))

    return find


def replay(transcript: Transcript, contents: Contents, driver: Driver, login: Login | None = None) -> list[Played]:
    """Play it against a driver that was not opened yet; the results. The client leaves at the end."""
    player = Player(plan(transcript, login), contents)
    if tls_at_opening(transcript) is not None:
        driver.do(lambda t: driver.session.secured(TLS, t))
    early = player.output()
    if early:
        driver.say(early)
    player.receive(driver.open())
    for _ in range(ROUNDS):
        driver.t += PACE
        if player.wants_tls:
            player.secured(TLS)
        out = player.output()
        if out:
            player.receive(driver.say(out))
        elif player.is_over:
            break
        elif driver.closed:
            player.lost("connection lost")
        else:
            player.lost("silence")
    else:
        raise AssertionError("the player goes on for ever")
    if not driver.closed:
        driver.do(driver.session.eof)
    return player.played()


def envelopes(driver: Driver) -> list[tuple[object, bytes, str]]:
    """Of each message that was kept: envelope, content, fate."""
    return [
        (parse_trace(message.trace).envelope, message.content, message.fate)
        for message in driver.messages
        if message.fate in ("stored", "kept")
    ]


def conversation(driver: Driver) -> list[str]:
    """What was said, word for word but for how long secrets were."""
    lines = classic(driver.transcript).splitlines()
    return [_MASK.sub("[masked]", line) for line in lines if not line.startswith("--- ")]


def script(driver: Driver) -> list[str]:
    """What was said in the session of a driver, without what cannot be done again."""
    steps = [step for step in plan(driver.transcript, Login("", "")) if not step.skipped]
    return [_MASK.sub("[masked]", line) for step in steps for line in (*step.said, *step.reply)]
