"""Reading from a client, on and off: why it is paused, and how much is taken at once.

Several reasons may hold at a time; reading goes on when the last of them is gone. A client that a rule throttles is
read in slices, so many bytes a second.
"""

import asyncio
from typing import Final

from mailscribe_smtp.hub import Hub
from mailscribe_smtp.proxy import octets_wanted


class Why:
    """Why reading is paused: bits of a plain int, for what enum makes of `&` takes a microsecond."""

    COMMIT: Final = 1
    REPLIES: Final = 2
    SPOOL: Final = 4
    TLS: Final = 8
    THROTTLE: Final = 16


_DISCARD_BYTES: Final = 1_048_576
"""Read away after our last reply, so that closing does not reset it."""

_SLICES: Final = 4
"""Reads a second of a client that is throttled."""


class Reading(asyncio.BufferedProtocol):
    """The reading side of a connection."""

    __slots__ = ("_discarded", "_heading", "_hub", "_paused", "_rate", "_transport")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._transport: asyncio.Transport | None = None
        self._heading: bytearray | None = None
        self._discarded = 0
        self._paused = 0
        self._rate = 0

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the protocol's signature
        """The buffer that all connections share: it is emptied before any other read."""
        buffer = self._hub.buffer
        if self._heading is not None:
            return buffer[: octets_wanted(bytes(self._heading))]
        return buffer[: max(1, self._rate // _SLICES)] if self._rate else buffer

    def _slow_down(self, nbytes: int) -> None:
        """So many bytes, and so long no more."""
        self._pause(Why.THROTTLE)
        self._hub.loop.call_later(nbytes / self._rate, self._resume, Why.THROTTLE)

    def _discard(self, nbytes: int) -> None:
        self._discarded += nbytes
        if self._discarded > _DISCARD_BYTES and self._transport is not None:
            self._transport.abort()

    def _pause(self, why: int) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._paused |= why

    def _resume(self, why: int) -> None:
        if not self._paused & why:
            return
        self._paused &= ~why
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._resumed()

    def _resumed(self) -> None:
        """Reading may go on, as far as one reason is concerned."""
