"""A live answer as the HTTP host sends it: what its poll gives, a heartbeat when that is nothing, until it is over.

The next poll is made when what the last one gave is on its way, so a reader that is slow costs one piece of memory,
however much there is; one that takes nothing for `Timing.stuck` while there is something to send is dropped, and
comes again to where it was. A store that does not answer is asked again; whatever else a poll raises ends the answer.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from mailscribe.errors import CallerError, StoreUnavailable
from mailscribe.service.api import Live
from mailscribe.service.waits import Wake, wait

type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: of silence before a heartbeat; that a reader may take nothing; that it gets to take the end in."""

    heartbeat: float = 15.0
    stuck: float = 30.0
    end: float = 2.0


class Run(Protocol):
    """Runs a call that blocks, in a thread."""

    def __call__[T](self, work: Callable[[], T]) -> Awaitable[T]:
        """What the call gives or raises."""
        ...


class LiveAnswer:
    """One live answer on its way to one reader."""

    def __init__(self, live: Live, run: Run, wake: Wake, send: Send, timing: Timing) -> None:
        self._live = live
        self._run = run
        self._wake = wake
        self._send = send
        self._timing = timing
        self._is_stuck = False
        self._first = b""

    async def begin(self) -> None:
        """Make the first poll. Raises what it raises: nothing was sent by then."""
        self._first = await self._run(self._live.poll)

    async def go_on(self, headers: Mapping[str, str]) -> None:
        """Send it, until it is over, fails, or its reader is stuck."""
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        try:
            await self._push({"type": "http.response.start", "status": 200, "headers": fields})
            await self._push_body(self._first)
            await self._repeat()
        except TimeoutError:
            self._is_stuck = True
        except CallerError as error:
            _log.info("a live answer ends: %s", error)
        except Exception:  # noqa: BLE001 - logged; the reader comes again and is told
            _log.exception("a live answer ends")

    async def end(self) -> bool:
        """Whether the reader took the end; if not, its connection has to be cut."""
        if self._is_stuck:
            return False
        try:
            async with asyncio.timeout(self._timing.end):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Tell the one who polls that it is over."""
        try:
            await self._run(self._live.close)
        except StoreUnavailable as error:
            _log.warning("the end of a live answer: %s", error)

    async def _repeat(self) -> None:
        loop = asyncio.get_running_loop()
        end = math.inf if self._live.seconds is None else loop.time() + self._live.seconds
        while (left := end - loop.time()) > 0:
            piece = await wait(self._poll, seconds=min(self._timing.heartbeat, left), wake=self._wake)
            await self._push_body(piece or self._live.heartbeat)

    async def _poll(self) -> bytes | None:
        try:
            return await self._run(self._live.poll) or None
        except StoreUnavailable:
            return None

    async def _push_body(self, data: bytes) -> None:
        await self._push({"type": "http.response.body", "body": data, "more_body": True})

    async def _push(self, message: MutableMapping[str, Any]) -> None:
        async with asyncio.timeout(self._timing.stuck):
            await self._send(message)
