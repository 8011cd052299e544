"""A message on its way from the machine to the spool: written while it arrives, stored at its end, or dropped.

The byte budget of all sessions is kept here. Whatever goes wrong is kept until the end, where it becomes the answer:
a `StoreError`, never anything else.
"""

import logging

from mailscribe.errors import StoreError, StoreFull, StoreUnavailable
from mailscribe_smtp.hub import Hub, tell_put
from mailscribe_smtp.limit import Limit

_logger = logging.getLogger(__name__)


class Parcel:
    """One message."""

    __slots__ = ("_error", "_hub", "_writer", "id", "is_ending")

    def __init__(self, hub: Hub, ulid: str) -> None:
        self.id = ulid
        self._hub = hub
        self._writer = hub.spool.message(ulid)
        self._error: StoreError | None = None
        self.is_ending = False
        """Whether its end has come, and it is being stored."""

    def write(self, data: bytes) -> bool:
        """Take the next bytes; False: await `drain` before more is read from the client."""
        if self._error is not None:
            return True
        goes_on = self._writer.write(data)
        if self._hub.budget.update(self._writer):
            return goes_on
        self._error = StoreFull("no room for what all sessions send")
        self._release()
        return True

    async def drain(self) -> None:
        """Return when there is room for more."""
        await self._writer.drain()

    def drop(self) -> None:
        """Nothing will come of it."""
        if self._error is None:
            self._release()

    async def store(self, *, refused: bool) -> StoreError | None:
        """Make it durable; what went wrong, if anything did. `refused`: apart, as no message."""
        self.is_ending = True
        if self._error is not None:
            return self._error
        begun = self._hub.loop.time()
        error = await self._commit(refused=refused)
        tell_put(self._hub, "refused" if refused else "message", begun, failed=error is not None)
        self._hub.budget.release(self._writer)
        self._error = error
        return error

    async def take_back(self) -> None:
        """After `store` has failed: it may be there all the same."""
        await self._writer.abort()
        await self._hub.spool.delete(self.id)

    def _release(self) -> None:
        self._hub.budget.release(self._writer)
        self._hub.spawn(self._writer.abort())

    async def _commit(self, *, refused: bool) -> StoreError | None:
        try:
            with Limit(self._hub.alarms, self._hub.settings.put_timeout):
                await (self._writer.commit_refused() if refused else self._writer.commit())
        except TimeoutError:
            _logger.warning("message %s: not stored in time", self.id)
            return StoreUnavailable("not stored in time")
        except StoreError as error:
            _logger.warning("message %s: %s", self.id, error)
            return error
        except Exception:
            _logger.exception("message %s: the spool failed", self.id)
            return StoreUnavailable("the spool failed")
        return None
