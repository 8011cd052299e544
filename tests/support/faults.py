"""Stores that misbehave on demand: down, full, hanging, dying in a put, losing an acknowledgement.

Wrap any adapter of a port. Faults are switched by the test through `faults`; nothing here waits for time:
a call that hangs waits for the test to open the gate.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.store.ports import Item, Key, ObjectInfo, Objects, Records, Write

WRITES = frozenset({"put", "delete", "transact"})


class Gate:
    """Holds calls that came to it until the test opens it."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._opened = threading.Event()

    def wait(self) -> None:
        """Called by the store: say that a call is here, and hold it."""
        self._entered.set()
        if not self._opened.wait(30):
            raise TimeoutError("nobody opened the gate")

    def entered(self) -> None:
        """Called by the test: return when a call is being held."""
        if not self._entered.wait(30):
            raise TimeoutError("no call came to the gate")

    def open(self) -> None:
        """Called by the test: let every call go on, now and later."""
        self._opened.set()


@dataclass
class Faults:
    """What goes wrong from now on; all off at first. `calls` are the names of the calls seen, in order.

    `only` limits the faults to calls of these names. `lost` calls succeed and are reported as failed.
    `die_after` is the number of bytes of a put after which the store dies, with nothing stored.
    """

    down: bool = False
    full: bool = False
    gate: Gate | None = None
    lost: int = 0
    die_after: int | None = None
    only: frozenset[str] | None = None
    calls: list[str] = field(default_factory=list)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """The faults that apply to one call."""
        self.calls.append(name)
        if self.only is not None and name not in self.only:
            yield
            return
        if self.gate is not None:
            self.gate.wait()
        if self.down:
            raise StoreUnavailable("fault: down")
        if self.full and name in WRITES - {"delete"}:
            raise StoreFull("fault: full")
        yield
        if self.lost and name in WRITES:
            self.lost -= 1
            raise StoreUnavailable("fault: acknowledgement lost")


class FaultyObjects:
    """The objects port with faults before an adapter of it."""

    def __init__(self, inner: Objects, faults: Faults | None = None) -> None:
        self.inner = inner
        self.faults = faults or Faults()

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        with self.faults.around("put"):
            return self.inner.put(key, self._dying(chunks), content_type=content_type)

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        with self.faults.around("get"):
            return self.inner.get(key, start, end)

    def head(self, key: str) -> ObjectInfo:
        with self.faults.around("head"):
            return self.inner.head(key)

    def delete(self, key: str) -> None:
        with self.faults.around("delete"):
            self.inner.delete(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        with self.faults.around("list"):
            return self.inner.list(prefix, after=after, limit=limit)

    def _dying(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        written = 0
        for chunk in chunks:
            written += len(chunk)
            if self.faults.die_after is not None and written > self.faults.die_after:
                raise StoreUnavailable("fault: died in the put")
            yield chunk


class FaultyRecords:
    """The records port with faults before an adapter of it."""

    def __init__(self, inner: Records, faults: Faults | None = None) -> None:
        self.inner = inner
        self.faults = faults or Faults()

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        with self.faults.around("get_many"):
            return self.inner.get_many(keys)

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        with self.faults.around("query"):
            return self.inner.query(pk, start=start, end=end, reverse=reverse, limit=limit)

    def transact(self, writes: Sequence[Write]) -> None:
        with self.faults.around("transact"):
            self.inner.transact(writes)
