"""Sessions that are listed as open and cannot be: their front end died before it stored the transcript.

A session lasts no longer than `session_timeout`, and its transcript is stored within `lost_after` from then on; what
is open after that is closed, each in a transaction of its own, as `lost` with all that its messages tell. Should
its object be there all the same, unheard of, that has the word. Work is bounded: the rest is for the next call.
"""

import logging
from typing import Final

from mailscribe.errors import StoreError, StoreUnavailable
from mailscribe.ids import make_ulid
from mailscribe.service.ingest import Ingest, Outcome
from mailscribe.service.rows import Rows
from mailscribe.settings import Settings
from mailscribe.store.ports import Objects, Records

LIMIT: Final = 500
"""Sessions that one call looks at: five calls of stores and bus each, half of the function's minute at 12 ms a call."""

_log = logging.getLogger(__name__)


class LostSessions:
    """Finds and closes them. Safe to call from several places at once: each session is closed once."""

    def __init__(
        self, ingest: Ingest, objects: Objects, records: Records, settings: Settings, *, limit: int = LIMIT
    ) -> None:
        self._ingest = ingest
        self._rows = Rows(objects, records, settings)
        self._patience_ms = (settings.session_timeout + settings.lost_after) * 1000
        self._limit = limit

    def close_lost(self, now_ms: int) -> int:
        """Close what cannot be open at `now_ms` any more; the number of sessions closed.

        A session that cannot be closed does not hold up the others: the first such error is raised at the end. When
        the store is down, `StoreUnavailable` is raised at once. Nothing is lost: call again.
        """
        closed = 0
        errors: list[StoreError] = []
        for ulid in self._overdue(now_ms):
            try:
                closed += self._ingest.close(ulid) is Outcome.STORED
            except StoreUnavailable:
                raise
            except StoreError as error:
                _log.exception("session %s cannot be closed", ulid)
                errors.append(error)
        if errors:
            raise errors[0]
        return closed

    def _overdue(self, now_ms: int) -> list[str]:
        before = make_ulid(max(0, now_ms - self._patience_ms), 0)
        found: list[str] = []
        for partition in self._rows.keys.open_sessions():
            found += self._rows.open_sessions(partition, before, self._limit)
        return sorted(found)[: self._limit]
