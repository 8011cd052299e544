"""Segments of documents, in each of the ways in which one is opened."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mailscribe.records import IndexDocument, Kind
from mailscribe.store.segment import BlockCache, Meter, Segment, build, packed
from support.query_world import document, world
from support.stores import MemoryObjects

KEY = "index/message/1/segment.sqlite"


def written(path: Path, documents: Iterable[IndexDocument]) -> Path:
    """A segment's file; the documents may come in any order."""
    build(path, map(packed, sorted(documents, key=lambda document: document.id)))
    return path


def stored(path: Path) -> MemoryObjects:
    """Objects that hold the segment under `KEY`."""
    objects = MemoryObjects()
    objects.put(KEY, [path.read_bytes()])
    return objects


def of_object(path: Path, cache: BlockCache | None = None, meter: Meter | None = None) -> Segment:
    return Segment.of_object(stored(path), KEY, path.stat().st_size, cache or BlockCache(), meter)


OPENERS: dict[str, Callable[[Path], Segment]] = {
    "file": Segment.of_file,
    "bytes": lambda path: Segment.of_bytes(path.read_bytes()),
    "object": of_object,
}


@cache
def sealed_world(kind: Kind, seed: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The documents of a random world as one segment, opened in each way, and as two that share them.

    The file stays open when its name is gone.
    """
    documents = [document(thing) for thing in world(kind, seed)[1]]
    with TemporaryDirectory() as folder:
        path = written(Path(folder, "whole"), documents)
        halves = [written(Path(folder, f"{at}"), documents[at::2]) for at in range(2)]
        whole = tuple(opener(path) for opener in OPENERS.values())
        return whole, tuple(map(Segment.of_file, halves))
