"""Deaths of a process between two calls of its stores or its bus."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from mailscribe.records import Event
from support.faults import Faults
from support.world import Bus


class CrashError(Exception):
    """The process dies here."""


@dataclass
class CrashAt(Faults):
    """Dies at the call of that number, before it is made or just after it was."""

    at: int = 0
    after: bool = False
    numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        is_here = next(self.numbers) == self.at
        if is_here and not self.after:
            raise CrashError
        yield
        if is_here:
            raise CrashError


class FaultyBus:
    """The events port with faults before a bus."""

    def __init__(self, inner: Bus, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def publish(self, events: Sequence[Event]) -> None:
        with self._faults.around("publish"):
            self._inner.publish(events)
