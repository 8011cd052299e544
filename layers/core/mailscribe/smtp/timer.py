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


def least_wait(settings: Settings) -> int:
    """µs: no deadline that is set, but that of the whole session, is nearer than this when it is set."""
    return min(settings.command_timeout, settings.data_timeout) * SECOND


class Timers:
    """The deadlines of one session; times in µs since it opened."""

    __slots__ = ("_in_content", "_received", "_settings", "_wait", "_window")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wait = settings.command_timeout * SECOND
        self._window = 0
        self._received = 0
        self._in_content = False

    def command(self, t: int) -> None:
        """A command is awaited from `t`."""
        self._in_content = False
        self._wait = t + self._settings.command_timeout * SECOND

    def content(self, t: int) -> None:
        """Content is awaited from `t`."""
        self._in_content = True
        self._wait = self._window = t + self._settings.data_timeout * SECOND
        self._received = 0

    def block(self, t: int, octets: int) -> None:
        """A block of content came."""
        self._wait = t + self._settings.data_timeout * SECOND
        self._received += octets

    @property
    def deadline(self) -> int:
        """When to look again."""
        wait = min(self._wait, self._window) if self._in_content else self._wait
        return min(wait, self._settings.session_timeout * SECOND)

    def is_over(self, t: int) -> bool:
        """Whether the peer has waited too long at `t`; begins the next window of content when one is over."""
        block = self._settings.data_timeout * SECOND
        if t >= self._wait or t >= self._settings.session_timeout * SECOND:
            return True
        if not self._in_content or t < self._window:
            return False
        if self._received * SECOND < MIN_RATE * block:
            return True
        self._received = 0
        self._window = t + block
        return False
