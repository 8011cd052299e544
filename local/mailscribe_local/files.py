"""The objects port over a folder: one file per object, durable when `put` returns, atomic for every reader.

The file of key `a/b` is `<root>/a/b`; what is being written lies in `<root>/.tmp` and is never listed. Keys are
checked before they become paths. An etag is size and modification time in nanoseconds, set by us, so that it
survives a copy of the folder. Files whose names are no Unicode are not ours and are not listed.
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from mailscribe.errors import ObjectNotFound, StoreUnavailable
from mailscribe.store.checks import check_object_key, check_range
from mailscribe.store.ports import ObjectInfo
from mailscribe_local.durable import Folders, Move, discard, publish, remove, store_errors, write_temp

TEMPORARY: Final = ".tmp"
"""Folder under the root for what is being written; sweep it only while nobody writes."""

_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not hold the reader


class FileObjects:
    """Objects under `root`, which is made when the first one is put. Safe to share between threads and processes."""

    def __init__(self, root: Path, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.root = root.absolute()
        self.folders = Folders(self.root)
        self._clock_ns = clock_ns

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        """Store durably, replacing what was there. Raises `StoreUnavailable`, `StoreFull`, `ValueError` for a bad key.

        A file has no content type; `content_type` is not kept.
        """
        del content_type
        target = self._path(key)
        folder = self.root / TEMPORARY
        try:
            self.folders.ensure(folder)
            temporary, facts = write_temp(folder, chunks, modified_ns=self._clock_ns())
            try:
                publish([Move(temporary, target)], self.folders)
            except BaseException:
                discard(temporary)
                raise
        except StoreUnavailable:
            self.folders.forget()
            raise
        return _info(key, facts)

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes [start, end) cut to the object's size. Raises `ObjectNotFound`, `StoreUnavailable`."""
        check_range(start, end)
        with store_errors(f"read {key}"):
            try:
                descriptor = os.open(self._path(key), _READ)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise ObjectNotFound(key) from error
            try:
                facts = os.fstat(descriptor)
                if not stat.S_ISREG(facts.st_mode):
                    raise ObjectNotFound(key)
                last = facts.st_size if end is None else min(end, facts.st_size)
                with open(descriptor, "rb", closefd=False) as file:
                    file.seek(start)
                    return file.read(max(last - start, 0))
            finally:
                os.close(descriptor)

    def head(self, key: str) -> ObjectInfo:
        """Facts without content. Raises `ObjectNotFound`, `StoreUnavailable`."""
        with store_errors(f"stat {key}"):
            try:
                facts = self._path(key).stat()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise ObjectNotFound(key) from error
        if not stat.S_ISREG(facts.st_mode):
            raise ObjectNotFound(key)
        return _info(key, facts)

    def delete(self, key: str) -> None:
        """Remove durably; an absent key is no error. Folders stay."""
        remove(self._path(key))

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """At most `limit` objects whose key begins with `prefix` and is greater than `after`, by key."""
        with store_errors(f"list {prefix}"):
            return list(islice(self._walk(self.root, "", prefix, after), max(limit, 0)))

    def path_of(self, key: str) -> Path:
        """The file that holds the object, if there is one. Raises `ValueError` for a bad key."""
        return self._path(key)

    def _path(self, key: str) -> Path:
        check_object_key(key)
        if key.split("/", 1)[0] == TEMPORARY:
            raise ValueError(f"object key {key!r}: {TEMPORARY} is reserved")
        return self.root / key

    def _walk(self, folder: Path, base: str, prefix: str, after: str) -> Iterator[ObjectInfo]:
        """Objects under one folder by key. A folder sorts as its name and a slash, as its keys do."""
        for name, entry in _entries(folder):
            key = base + name
            if key == TEMPORARY + "/":
                continue
            if entry.is_dir():
                if _may_hold(key, prefix, after):
                    yield from self._walk(folder / entry.name, key, prefix, after)
            elif key.startswith(prefix) and key > after and entry.is_file():
                try:
                    facts = entry.stat()
                except FileNotFoundError:
                    continue
                yield _info(key, facts)


def _may_hold(folder: str, prefix: str, after: str) -> bool:
    """Whether a key that begins with `folder` (which ends in a slash) can match prefix and after."""
    related = folder.startswith(prefix) or prefix.startswith(folder)
    return related and (folder > after or after.startswith(folder))


def _entries(folder: Path) -> list[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(folder) as entries:
            named = [(entry.name + "/" if entry.is_dir() else entry.name, entry) for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted((pair for pair in named if _is_unicode(pair[0])), key=lambda pair: pair[0])


def _is_unicode(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _info(key: str, facts: os.stat_result) -> ObjectInfo:
    return ObjectInfo(key, facts.st_size, f"{facts.st_size:x}-{facts.st_mtime_ns:x}", facts.st_mtime_ns // 1_000_000)
