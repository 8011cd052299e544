"""The embedded worker: journal entry in, ingest called, checkpoint written. Nothing is ever dropped.

What it makes readable need not be durable at once: the journal has the objects and is gone through again from the
checkpoint, which is written, a batch at a time, only when all before it is told and on the disk.
The count of receives of an entry is kept in a file before the entry is touched, so that it survives a parse that
kills the process: the third receive records the message from its trace block alone. A store that does not answer
is waited for; an entry that it keeps refusing is set aside in `set-aside.jsonl`, and tried again at the next start.
"""

import json
import logging
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailscribe.errors import StoreError
from mailscribe.service.ingest import Ingest, ObjectCreated
from mailscribe.store.keys import INBOUND
from mailscribe_local.journal import Entry, JournalReader, Line, Position
from mailscribe_local.stack.inbound import Inbound

BATCH: Final = 64
IDLE_SECONDS: Final = 1.0
PAUSES: Final = (0.05, 0.2, 1.0, 2.0, 5.0)
KEPT: Final = 64
"""Entries whose beginnings are remembered; more than one only after a kill."""

_log = logging.getLogger(__name__)


class Receives:
    """How often an entry was begun without an end, kept in a file: it outlives the process, not a power cut."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._counts = self._load()

    def begin(self, key: str) -> int:
        """Note that `key` is begun; the number of times that it was and did not end, this one included."""
        count = self._counts.pop(key, 0) + 1
        self._counts[key] = count
        while len(self._counts) > KEPT:
            del self._counts[next(iter(self._counts))]
        text = json.dumps(self._counts).encode()
        os.pwrite(self._fd, text.ljust(os.fstat(self._fd).st_size), 0)
        return count

    def end(self, key: str) -> None:
        """What was begun last with `key` has ended, well or not: its process lives. Written with the next beginning."""
        count = self._counts.pop(key) - 1
        if count:
            self._counts[key] = count

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _load(self) -> dict[str, int]:
        try:
            counts = json.loads(os.pread(self._fd, 1 << 20, 0))
            return {str(key): int(count) for key, count in counts.items()}
        except (ValueError, TypeError, AttributeError):
            return {}


@dataclass(frozen=True, slots=True)
class WorkerFiles:
    """Where the worker keeps its place, under the data folder."""

    data: Path

    @property
    def journal(self) -> Path:
        """The journal's folder."""
        return self.data / "journal"

    @property
    def position(self) -> Path:
        """The checkpoint: what lies before it in the journal is ingested."""
        return self.data / "position.json"

    @property
    def receives(self) -> Path:
        """The entry that is being ingested, and how often it was begun."""
        return self.data / "receives.json"

    @property
    def inbound(self) -> Path:
        """Where mail may be dropped that did not come by SMTP."""
        return self.data / "objects" / INBOUND

    @property
    def set_aside(self) -> Path:
        """Entries that a store kept refusing."""
        return self.data / "set-aside.jsonl"


class Worker(threading.Thread):
    """Ingests the journal until stopped, and `inbound` beside it.

    `wake_fd` becomes readable when the journal has more; `ingested` is called after each entry; `sync` returns when
    what was ingested is on the disk, or raises `StoreError`.
    """

    def __init__(
        self,
        files: WorkerFiles,
        ingest: Ingest,
        inbound: Inbound,
        *,
        wake_fd: int,
        ingested: Callable[[], None],
        sync: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name="worker", daemon=True)
        self._files = files
        self._ingest = ingest
        self._inbound = inbound
        self._wake_fd = wake_fd
        self._ingested = ingested
        self._sync = sync
        self._done: Position | None = None
        self._stopping = threading.Event()
        self._bell, self._rope = socket.socketpair()
        self._reader = JournalReader(files.journal, _load_position(files.position))

    def run(self) -> None:
        """Work until `stop`. A fault of the journal or the disk ends the process, which is then started again."""
        receives = Receives(self._files.receives)
        try:
            self._retry_set_aside(receives)
            while not self._stopping.is_set():
                entries = self._reader.read(BATCH)
                self._work(entries, receives)
                self._take_inbound(receives)
                if not entries:
                    self._sleep()
        except (OSError, StoreError):
            _log.exception("the worker cannot go on")
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            receives.close()

    def stop(self, seconds: float) -> None:
        """Finish the entry in hand and end."""
        self._stopping.set()
        self._rope.close()
        self.join(seconds)
        if not self.is_alive():
            self._bell.close()

    def _work(self, entries: list[Entry], receives: Receives) -> None:
        for entry in entries:
            if self._stopping.is_set() or not self._take(entry.key, entry.size, entry.at_ms, receives):
                break
            self._ingested()
            self._done = entry.position_after
        pauses = iter(PAUSES)
        while self._done is not None:  # the journal forgets a file once it is read on: not before this is on the disk
            if self._settle():
                _save_position(self._files.position, self._done)
                self._done = None
            elif self._stopping.wait(next(pauses, PAUSES[-1])):
                return

    def _settle(self) -> bool:
        """Whether all that was taken is told and on the disk; if not, it must be tried again."""
        while True:
            try:
                self._ingest.settle()
                self._sync()
            except StoreError as error:
                _log.warning("ingest of a batch: %s", error)
                return False
            except Exception as error:  # noqa: BLE001 - what one message tells of its session may not end the worker
                _log.error("ingest of a session: %r", error)
                _log.debug("ingest of a session", exc_info=True)
            else:
                self._ingested()
                return True

    def _take_inbound(self, receives: Receives) -> None:
        """A file that cannot be ingested never holds up the journal: it waits, longer each time."""
        for line in self._inbound.poll():
            if self._stopping.is_set():
                return
            if self._try(line.key, line.size, line.at_ms, receives):
                self._inbound.done(line)
                self._ingested()

    def _take(self, key: str, size: int, at_ms: int, receives: Receives) -> bool:
        """Ingest one entry, trying again while a store does not answer; False when stopped before it was done."""
        for pause in (*PAUSES, None):
            if self._try(key, size, at_ms, receives):
                return True
            if pause is not None and self._stopping.wait(pause):
                return False
        self._put_aside([Line(key, size, at_ms)])
        _log.error("ingest of %s failed %d times; set aside until the next start", key, len(PAUSES) + 1)
        return True

    def _try(self, key: str, size: int, at_ms: int, receives: Receives) -> bool:
        """Whether it was ingested. A fault of ours counts as a receive, as a death does: the third parses nothing."""
        count = receives.begin(key)
        try:
            self._ingest.handle(ObjectCreated(key=key, size=size, at_ms=at_ms, receive_count=count))
        except StoreError as error:
            receives.end(key)
            _log.warning("ingest of %s: %s", key, error)
            return False
        except Exception as error:  # noqa: BLE001 - nothing that one message does may end the worker
            _log.error("ingest of %s: %r", key, error)  # one line; the traceback on demand
            _log.debug("ingest of %s", key, exc_info=True)
            return False
        receives.end(key)
        return True

    def _put_aside(self, entries: list[Line]) -> None:
        with self._files.set_aside.open("a") as file:
            file.writelines(json.dumps(entry._asdict()) + "\n" for entry in entries)
            file.flush()
            os.fsync(file.fileno())

    def _retry_set_aside(self, receives: Receives) -> None:
        held = self._files.set_aside.with_suffix(".retry")
        if held.exists():  # a start that was killed amid this
            self._put_aside(list(_read_set_aside(held)))
            held.unlink()
        if not self._files.set_aside.exists():
            return
        self._files.set_aside.rename(held)
        for entry in dict.fromkeys(_read_set_aside(held)):
            if not self._take(entry.key, entry.size, entry.at_ms, receives):
                self._put_aside([entry])
        if self._settle():
            held.unlink()

    def _sleep(self) -> None:
        """Until there is more, `stop` pulls the rope, or it is time to look all the same."""
        readable, _, _ = select.select([self._wake_fd, self._bell.fileno()], [], [], IDLE_SECONDS)
        if self._wake_fd in readable:
            os.read(self._wake_fd, 65_536)


def _read_set_aside(path: Path) -> Iterator[Line]:
    """The entries of a file. A torn line is passed over: its entry is still before the journal's checkpoint."""
    for line in path.read_text().splitlines():
        try:
            yield Line(**json.loads(line))
        except (ValueError, TypeError):
            continue


def _load_position(path: Path) -> Position:
    try:
        return Position.from_json(path.read_text())
    except (OSError, ValueError):
        return Position.START


def _save_position(path: Path, position: Position) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(position.to_json())
    draft.replace(path)
