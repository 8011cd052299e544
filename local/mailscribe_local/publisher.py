"""How objects of the embedded front end become durable, visible and journaled: in groups, in this order.

1. each file written and fsynced under its name in `open/`; 2. linked to its key under `objects/`, the folders
fsynced; 3. ONE journal append and fsync for all; 4. the names in `open/` removed. Hard links (where the file system
has them) keep the first name until the journal has the line: a process that dies in between leaves a trace
that recovery follows. A failure in one file fails that file; what had become visible of it is taken back.
"""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailscribe.errors import StoreError, StoreUnavailable
from mailscribe.ids import now_ms
from mailscribe_local import durable
from mailscribe_local.durable import Folders, store_errors
from mailscribe_local.journal import JournalWriter, Line

OBJECTS: Final = "objects"
OPEN: Final = "open"
JOURNAL: Final = "journal"
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


@dataclass(slots=True, eq=False)
class Publication:
    """A file that is to appear under `key`: `written` bytes of it are in `source`, `chunks` are not yet."""

    source: str
    key: str
    written: int
    chunks: list[bytes]
    tried: bool = False
    cancelled: bool = False
    journaled: bool = True
    """Whether it is to be ingested."""

    @property
    def size(self) -> int:
        """Bytes of the whole object."""
        return self.written + sum(map(len, self.chunks))


class Publisher:
    """Publishes files of one data folder. Belongs to one thread at a time."""

    def __init__(self, data: Path, *, clock_ms: Callable[[], int] = now_ms) -> None:
        """Make the folders. Raises `StoreError`."""
        self.root = data / OBJECTS
        self.open = data / OPEN
        self._folders = Folders(self.root)
        self._ready: set[str] = set()
        for folder in (self.open, data / JOURNAL):
            Folders(folder).ensure(folder)
        self._folders.ensure(self.root)
        self._journal = JournalWriter(data / JOURNAL)
        self._clock_ms = clock_ms

    def publish(self, publications: Sequence[Publication]) -> list[StoreError | None]:
        """What became of each; None: durable, visible and journaled. Never raises a `StoreError`."""
        outcomes = [_outcome(_finish, publication) for publication in publications]
        for index, publication in enumerate(publications):
            outcomes[index] = outcomes[index] or _outcome(self._link, publication)
        self._settle(publications, outcomes)
        for publication, outcome in zip(publications, outcomes, strict=True):
            if outcome is None:
                durable.discard(publication.source)
            else:
                self._take_back(publication)
        return outcomes

    def remove(self, key: str) -> None:
        """Take back an object. Raises `StoreError`."""
        durable.remove(self.root / key)

    def close(self) -> None:
        """End the journal's file."""
        self._journal.close()

    def _link(self, publication: Publication) -> None:
        target = self._target(publication)
        with store_errors(f"link {target}"):
            try:
                _link(publication.source, target)
            except FileNotFoundError:
                self._ready.clear()
                self._folders.forget()
                _link(publication.source, self._target(publication))

    def _target(self, publication: Publication) -> str:
        """Where it is to appear, in a folder that is there to stay."""
        folder, _, _ = publication.key.rpartition("/")
        if folder not in self._ready:
            self._folders.ensure(self.root / folder)
            self._ready.add(folder)
        return f"{self.root}/{publication.key}"

    def _take_back(self, publication: Publication) -> None:
        target = self.root / publication.key
        with suppress(OSError):
            if Path(publication.source).exists():
                target.unlink()
            else:
                target.replace(publication.source)

    def _settle(self, publications: Sequence[Publication], outcomes: list[StoreError | None]) -> None:
        """Make the names durable and journal them; a failure there is everybody's."""
        good = [index for index, outcome in enumerate(outcomes) if outcome is None]
        if not good:
            return
        try:
            for folder in dict.fromkeys(publications[index].key.rpartition("/")[0] for index in good):
                durable.fsync_folder(self.root / folder)
            at = self._clock_ms()
            lines = [
                Line(publications[index].key, publications[index].size, at)
                for index in good
                if publications[index].journaled
            ]
            if lines:
                self._journal.append(lines)
        except StoreError as error:
            for index in good:
                outcomes[index] = error


def _outcome(step: Callable[[Publication], None], publication: Publication) -> StoreError | None:
    try:
        if publication.cancelled:
            return StoreUnavailable("given up before it was stored")
        step(publication)
    except StoreError as error:
        return error
    return None


def _finish(publication: Publication) -> None:
    """Write what is missing, and fsync."""
    with store_errors(f"write {publication.source}"):
        descriptor = os.open(publication.source, _FLAGS, durable.FILE_MODE)
        try:
            if publication.tried:
                os.ftruncate(descriptor, publication.written)
            publication.tried = True
            for chunk in publication.chunks:
                durable.write_all(descriptor, chunk)
            durable.finish(descriptor)
        finally:
            os.close(descriptor)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        if not Path(target).samefile(source):
            Path(source).replace(target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        Path(source).replace(target)
