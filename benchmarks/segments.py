"""`python -m benchmarks segments`: what a sealed segment costs: to build, to merge, to keep, and to ask.

Messages are made up from a seed: about 150 different words each, drawn from a vocabulary as Zipf has it, with the
tags of a message between two of a thousand people. Times are CPU of one process. Requests are counted of a segment
that lies in an object store: cold, with nothing of it read before, and then for the next page of the same query.
"""

import random
import tempfile
import time
from bisect import bisect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from msgspec import Raw

from mailscribe.ids import make_ulid
from mailscribe.query import parse_query, plan
from mailscribe.query.tags import tag
from mailscribe.records import IndexDocument
from mailscribe.store.segment import BlockCache, Meter, Segment, build, merge, packed
from mailscribe_local.files import FileObjects

DOCUMENTS = 20_000
SMALLER = 10
BLOCKS = (64, 128, 256)
PAGE = 25
QUERIES = (
    ("newest", ""),
    ("a common word", "w0"),
    ("a rare word", "w20000"),
    ("an absent word", "nowhere"),
    ("two words", "w3 w400"),
    ("a phrase", '"w1 w2"'),
    ("words by prefix", "w123*"),
    ("a sender", "from:p7@d7.example"),
    ("a domain", "to:@d1.example"),
    ("a common word, not another", "w2 -w5"),
    ("a word between two days", "w50 after:2023-11-15 before:2023-11-16"),
)
_START_MS = 1_700_000_000_000
_STEP_MS = 60_000
_WORDS = 50_000
_KEY = "index/segment"
_NOW = datetime(2024, 1, 1, tzinfo=UTC)


def main(arguments: list[str]) -> int:
    """Measure and print; given a number, that many documents."""
    count = int(arguments[0]) if arguments else DOCUMENTS
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(table(Path(folder), count)))
    return 0


def table(folder: Path, count: int = DOCUMENTS) -> list[str]:
    """The lines of the tables."""
    entries = list(map(packed, documents(count)))
    path = folder / "segment"
    building = _seconds(lambda: build(path, entries))
    parts = []
    for at in range(SMALLER):
        build(folder / f"{at}", entries[at::SMALLER])
        parts.append(Segment.of_file(folder / f"{at}"))
    merging = _seconds(lambda: merge(folder / "merged", parts, lambda *_: True))
    size, small = path.stat().st_size, (folder / "0").stat().st_size
    text = sum(len(entry.packed) for entry in entries)
    shown = sum(len(entry.summary) for entry in entries)
    return [
        f"| {count} messages in a segment | |",
        "|---|---|",
        f"| build | {count / building:.0f} a second, {1000 * building / count:.2f} ms each |",
        f"| merge of {SMALLER} | {count / merging:.0f} a second, {1000 * merging / count:.2f} ms each |",
        f"| bytes a message | {size / count:.0f}: text {text / count:.0f}, summary {shown / count:.0f}, index"
        f" {(size - text - shown) / count:.0f} |",
        f"| bytes a message in a segment of {count // SMALLER} | {small * SMALLER / count:.0f} |",
        "",
        *_requests(path),
    ]


def documents(count: int) -> Iterator[IndexDocument]:
    """Messages, a minute apart."""
    source = random.Random(1)  # noqa: S311 (the same mail every time)
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(_WORDS)))
    for number in range(count):
        words = [f"w{bisect(weights, source.random() * weights[-1])}" for _ in range(250)]
        yield _document(number, source, words)


def _document(number: int, source: random.Random, words: list[str]) -> IndexDocument:
    ulid = make_ulid(_START_MS + number * _STEP_MS, source.getrandbits(80))
    sender, reader = source.randrange(1000), source.randrange(1000)
    tags = [tag("all", "documents"), tag("message-id", f"{ulid}@d{sender % 50}.example")]
    for role, person in (("from", sender), ("to", reader), ("mailfrom", sender), ("rcpt", reader)):
        domain = f"d{person % 50}.example"
        tags += [tag(role, f"p{person}@{domain}"), tag(f"{role}.local", f"p{person}"), tag(f"{role}.domain", domain)]
        tags += [tag(f"{role}.under", domain), tag(f"{role}.under", "example"), tag(f"{role}.name", f"n{person}")]
    summary = Raw(b'{"id":"%s","preview":"%s"}' % (ulid.encode(), " ".join(words[:60]).encode()))
    return IndexDocument(
        kind="message", id=ulid, commit=ulid, size=3000, tags=tuple(tags), subject=" ".join(words[:6]),
        body=" ".join(words), summary=summary,
    )  # fmt: skip


def _requests(path: Path) -> list[str]:
    objects = FileObjects(path.parent / "objects")
    size = objects.put(_KEY, [path.read_bytes()]).size
    titles = [f"{kib} KB, cold | next page" for kib in BLOCKS]
    lines = [f"| requests for blocks of | {' | '.join(titles)} |", "|---|" + "---|---|" * len(BLOCKS)]
    for name, text in QUERIES:
        cells = [f"{gets}" for kib in BLOCKS for gets in _gets(objects, size, text, kib * 1024)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _gets(objects: FileObjects, size: int, text: str, block_bytes: int) -> list[int]:
    """Requests for the first page and, with what that has read, for the second."""
    cache, before, found = BlockCache(block_bytes=block_bytes), None, list[int]()
    node = parse_query(text, "message", now=_NOW, tz=UTC)
    for _ in range(2):
        meter = Meter()
        segment = Segment.of_object(objects, _KEY, size, cache, meter)
        hits = segment.search(plan(node, "message", before=before, limit=PAGE))
        segment.close()
        before = hits[-1].id if hits else before
        found.append(meter.gets)
    return found


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
