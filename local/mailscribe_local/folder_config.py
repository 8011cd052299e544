"""What the API has put under `config/` of a data folder: rules, and who is watched, as front ends see them.

A set of rules is in force for the connection after the one answer that said it is stored: the folder's own time is
looked at for every connection, and its files only when that has changed, or is so new that it would not tell a change
that came right after.
"""

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mailscribe.service.presence import is_live
from mailscribe.store.keys import RULES, presence_key
from mailscribe_smtp.policy_source import PolicySource

SETTLED_NS: Final = 50_000_000
"""A file system's clock may stand still for so long (Linux: up to 10 ms), and two changes have one time."""


class FolderConfig:
    """The part of the policy that lies in the data folder."""

    def __init__(self, source: PolicySource, objects: Path) -> None:
        self._source = source
        self._objects = objects
        self._folder = f"{objects}/{RULES}"
        self._stamp = 0
        source.policy.is_watched = self.is_watched
        self.refresh()

    def refresh(self) -> None:
        """Look whether anything has changed. Never raises."""
        self._source.refresh()
        try:
            stamp = os.stat(self._folder).st_mtime_ns  # noqa: PTH116 - at every connection: no path objects
        except OSError:
            stamp = 0
        if stamp != self._stamp:
            self._stamp = stamp if time.time_ns() - stamp > SETTLED_NS else -1
            self._source.take_sets(self._sets())

    def is_watched(self, email: str) -> bool:
        """Whether somebody watches for that address now."""
        try:
            return is_live((self._objects / presence_key(email)).read_bytes(), datetime.now(UTC))
        except OSError:
            return False

    def _sets(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with suppress(OSError):
            for path in Path(self._folder).glob("*.json"):
                with suppress(FileNotFoundError):
                    found[path.stem] = path.read_bytes()
        return found
