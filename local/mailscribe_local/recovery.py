"""What a dead front end left in `open/`, brought to its end before the next one starts.

A live transcript loses its torn last line, gets the closing line `end: lost`, and is published and journaled; one that
had its closing line is published as it is. A message's file that is linked into `objects/` may have been
promised by 250: it is journaled again (ingest knows it then). Any other message's file was never promised: removed.
Only while no front end runs on the data folder.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError, CorruptObject, StoreError
from mailscribe.ids import is_ulid
from mailscribe.smtp import lost_line
from mailscribe.store.keys import message_key, session_key
from mailscribe_local import durable
from mailscribe_local.publisher import Publication, Publisher

GROUP: Final = 256
"""Files published at a time."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many files were published, and how many could not be and wait for the next start."""

    published: int = 0
    waiting: int = 0


def recover_open_sessions(data: Path) -> Recovered:
    """Deal with all that lies in `open/`. Raises `ConfigError` when the data folder cannot be used."""
    try:
        publisher = Publisher(data)
    except StoreError as error:
        raise ConfigError(f"data folder {data}: {error}") from error
    published = waiting = 0
    try:
        for group in batched(_publications(publisher), GROUP, strict=False):
            for publication, outcome in zip(group, publisher.publish(group), strict=True):
                if outcome is None:
                    published += 1
                else:
                    waiting += 1
                    _logger.warning("%s is left for the next start: %s", publication.source, outcome)
    finally:
        publisher.close()
    return Recovered(published, waiting)


def _publications(publisher: Publisher) -> Iterator[Publication]:
    for path in sorted(publisher.open.iterdir()):
        if not is_ulid(path.stem):
            continue
        try:
            publication = _message(publisher, path) if path.suffix == ".eml" else _transcript(path)
        except OSError as error:
            _logger.warning("%s is left for the next start: %s", path, error)
            continue
        if publication is not None:
            yield publication


def _message(publisher: Publisher, path: Path) -> Publication | None:
    key = message_key(path.stem)
    if not (publisher.root / key).exists():
        durable.discard(path)
        return None
    return Publication(str(path), key, path.stat().st_size, [], tried=True)


def _transcript(path: Path) -> Publication | None:
    if path.suffix != ".jsonl":
        return None
    data = path.read_bytes()
    complete = _readable(data[: data.rfind(b"\n") + 1])
    if complete:
        return Publication(str(path), session_key(path.stem), len(complete), [lost_line(complete)], tried=True)
    if data.strip(b"\0\n"):
        _logger.warning("%s is no transcript; set aside", path)
        path.rename(path.with_suffix(".corrupt"))
    else:
        durable.discard(path)
    return None


def _readable(data: bytes) -> bytes:
    """The complete lines up to the first that is none."""
    lines = data.splitlines(keepends=True)
    if _is_readable(data):
        return data
    least, most = 0, len(lines)
    while most - least > 1:
        middle = (least + most) // 2
        if _is_readable(b"".join(lines[:middle])):
            least = middle
        else:
            most = middle
    return b"".join(lines[:least])


def _is_readable(data: bytes) -> bool:
    try:
        lost_line(data)
    except CorruptObject:
        return False
    return True
