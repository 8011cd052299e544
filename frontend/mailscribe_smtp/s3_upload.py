"""Content that is larger than a part, on its way to S3 while it still arrives.

A part is read from the file when it is all there, and handed to obstore, which keeps it until S3 has it. That takes a
slot, and there are few of them: so memory is bounded by slots, not by sessions; and a slot is never held while a
client is waited for. obstore does not say when it has let go of a part, but takes no second piece of the next one
before; so of the next part, whose first octet is there by then, that octet is handed over alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from mailscribe.errors import StoreError
from mailscribe_smtp.overflow import Overflow

PIECE_BYTES: Final = 262_144
"""Read from the file at a time."""

BEHIND_PARTS: Final = 3
"""Parts that may wait in the file before the client is asked to wait."""

type Put = Callable[[AsyncIterator[bytes]], Coroutine[Any, Any, None]]
"""Uploads what the iterator gives, under a key of its own; an exception from the iterator gives the upload up."""


class _GivenUp(Exception):
    """Ends an upload whose content is not wanted any more."""


class Upload:
    """One upload; it begins at once."""

    __slots__ = (
        "_content",
        "_given_up",
        "_has_slot",
        "_is_whole",
        "_moved",
        "_part_bytes",
        "_slots",
        "_stored",
        "_task",
    )

    def __init__(self, content: Overflow, put: Put, *, slots: asyncio.Semaphore, part_bytes: int) -> None:
        self._content = content
        self._slots = slots
        self._part_bytes = part_bytes
        self._stored = 0
        self._has_slot = self._is_whole = self._given_up = False
        self._moved = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(put(self._pieces()))
        self._task.add_done_callback(self._ended)

    @property
    def done(self) -> bool:
        """Whether it has ended; before `finish`, that is by failing."""
        return self._task.done()

    @property
    def held(self) -> int:
        """Bytes of it that are in memory now."""
        return self._part_bytes if self._has_slot else 0

    def grown(self) -> bool:
        """More of the content is there; False when it is far ahead of what is stored."""
        self._moved.set()
        return self.done or not self._is_behind()

    async def keep_up(self) -> None:
        """Return when it is not far behind the content any more, or has failed."""
        await self._until(lambda: self.done or not self._is_behind())

    async def finish(self) -> None:
        """The content is whole: return when it is stored. Raises `StoreError`."""
        self._is_whole = True
        self._moved.set()
        await asyncio.shield(self._task)

    def drop(self) -> None:
        """Give it up, without waiting for its end."""
        self._given_up = True
        self._moved.set()

    async def give_up(self) -> None:
        """Give it up; return when nothing of it goes on. Never raises."""
        self.drop()
        with suppress(StoreError):
            await self._task

    def _is_behind(self) -> bool:
        return self._content.size - self._stored > BEHIND_PARTS * self._part_bytes

    async def _pieces(self) -> AsyncIterator[bytes]:
        """What obstore pulls from."""
        begun = end = 0
        while True:
            end = await self._next_part(end)
            while begun < end:
                piece = min(begun + PIECE_BYTES, end)
                yield self._read(begun, piece)
                begun = piece
            if self._is_last(end):
                return
            begun = end + 1
            yield self._read(end, begun)
            self._stored = end
            self._leave_slot()

    async def _next_part(self, start: int) -> int:
        """Where the part that begins at `start` ends, as soon as it and an octet more are there, and a slot is free."""
        await self._until(lambda: self._given_up or self._is_whole or self._content.size > start + self._part_bytes)
        await self._slots.acquire()
        self._has_slot = True
        return min(start + self._part_bytes, self._content.size)

    def _is_last(self, end: int) -> bool:
        self._check()
        return self._is_whole and end == self._content.size

    def _read(self, start: int, end: int) -> bytes:
        self._check()
        return self._content.read(start, end)

    def _check(self) -> None:
        if self._given_up:
            raise _GivenUp

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._moved.clear()
            await self._moved.wait()

    def _leave_slot(self) -> None:
        self._moved.set()
        if self._has_slot:
            self._has_slot = False
            self._slots.release()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._leave_slot()
        if not task.cancelled():
            task.exception()  # `finish` raises it if anybody asks
