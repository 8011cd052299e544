"""What the template's schedules and its queue do for the index, for the embedded stack: a thread that seals.

Each minute, and when much has come since the last time; once a day, and soon after a start, it clears up. A round that
fails has failed that time only: whoever searches finds everything all the same.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from mailscribe.service.upkeep import MUCH, Upkeep

SEAL_SECONDS: Final = 60.0
ROUNDS_A_DAY: Final = 1_440

_log = logging.getLogger(__name__)


class Sealing(threading.Thread):
    """Keeps the index in order until stopped."""

    def __init__(self, upkeep: Upkeep, *, seconds: float = SEAL_SECONDS, much: int = MUCH) -> None:
        super().__init__(name="sealing", daemon=True)
        self._upkeep = upkeep
        self._seconds = seconds
        self._much = much
        self._count = 0
        self._bell = threading.Event()
        self._is_stopping = False

    def rings(self, after: Callable[[], None]) -> Callable[[], None]:
        """What to call for each document that was ingested: counts it, and then calls `after`."""

        def ingested() -> None:
            self._count += 1
            if self._count >= self._much:
                self._bell.set()
            after()

        return ingested

    def run(self) -> None:
        """Work until `stop`."""
        rounds = 0
        while True:
            self._bell.wait(self._seconds)
            self._bell.clear()
            if self._is_stopping:
                return
            self._count = 0
            self._round(is_daily=rounds % ROUNDS_A_DAY == 0)
            rounds += 1

    def stop(self, seconds: float) -> None:
        """Finish the round in hand and end, or give up waiting for that after `seconds`: a kill does no harm."""
        self._is_stopping = True
        self._bell.set()
        if self.is_alive():
            self.join(seconds)

    def _round(self, *, is_daily: bool) -> None:
        try:
            self._upkeep.round()
            if is_daily:
                self._upkeep.sweep()
        except Exception:  # noqa: BLE001 - no fault of a round may end those that follow
            _log.exception("the index could not be sealed this time")
