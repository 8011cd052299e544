"""Who commits in order: commit sequences made in turn, so that they become readable in the order of their making.

Readers of the feed may rely on that order where every commit of a process is made in turn (embedded); deployed, many
processes commit, and readers look back instead.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


class InTurn:
    """Makes commit sequences; `turn` (re-entrant) is held from the making of one to the end of its transaction."""

    def __init__(self, new_commit: Callable[[], str]) -> None:
        self.turn: AbstractContextManager[object] = threading.RLock()
        self._new_commit = new_commit

    def __call__(self) -> str:
        """The next sequence."""
        return self._new_commit()


def turn_of(new_commit: Callable[[], str]) -> AbstractContextManager[object]:
    """What to hold while a sequence of that maker is made and committed."""
    return new_commit.turn if isinstance(new_commit, InTurn) else nullcontext()
