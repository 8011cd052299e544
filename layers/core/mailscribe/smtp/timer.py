"""When a session has waited too long (RFC 5321 §4.5.3.2).

A command may take `command_timeout` from the last reply, however its octets trickle; a block of content
`data_timeout` from the last one, and content must keep up a floor of octets a second over each such window; a
session `session_timeout` in all. There is no total for content.
"""

from typing import Final

from mailscribe.settings import Settings

SECOND: Final = 1_000_000
MIN_RATE: Final = 500
"""Octets a second of content, over a window of `data_timeout`."""


class Timers:
    """The deadlines of one session; times in µs since it opened."""

    __slots__ = ("_block", "_command", "_in_content", "_received", "_session", "_wait", "_window")

    def __init__(self, settings: Settings) -> None:
        self._command = settings.command_timeout * SECOND
        self._block = settings.data_timeout * SECOND
        self._session = settings.session_timeout * SECOND
        self._wait = self._command
        self._window = 0
        self._received = 0
        self._in_content = False

    def command(self, t: int) -> None:
        """A command is awaited from `t`."""
        self._in_content = False
        self._wait = t + self._command

    def content(self, t: int) -> None:
        """Content is awaited from `t`."""
        self._in_content = True
        self._wait = self._window = t + self._block
        self._received = 0

    def block(self, t: int, octets: int) -> None:
        """A block of content came."""
        self._wait = t + self._block
        self._received += octets

    @property
    def deadline(self) -> int:
        """When to look again."""
        wait = min(self._wait, self._window) if self._in_content else self._wait
        return min(wait, self._session)

    def is_over(self, t: int) -> bool:
        """Whether the peer has waited too long at `t`; begins the next window of content when one is over."""
        if t >= self._wait or t >= self._session:
            return True
        if not self._in_content or t < self._window:
            return False
        if self._received * SECOND < MIN_RATE * self._block:
            return True
        self._received = 0
        self._window = t + self._block
        return False
