"""Answers that the host cannot hold: copied under `derived/` and redirected to, by an address good for 60 seconds.

`messages/` itself is never given away: its objects begin with the trace block, which names every recipient. A host
that streams (no `links`) gets what is large in chunks instead. A copy is named after what it is of, so that another
parser's is another copy, and goes with the message.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from mailscribe.errors import NotFound, ObjectNotFound
from mailscribe.records import MessageRecord
from mailscribe.service.api.answer import RFC822, Answer, Stream
from mailscribe.service.api.routes import Services
from mailscribe.store.keys import derived_key

LINK_SECONDS: Final = 60
CHUNK: Final = 1 << 20
"""Bytes of a message that are in memory at a time when it is streamed or copied."""


def can_answer(services: Services, length: int) -> bool:
    """Whether the host can hold an answer of so many bytes."""
    return services.links is None or length <= services.settings.answer_limit


def fit(services: Services, answer: Answer, ulid: str, name: str) -> Answer:
    """The answer itself, or when it is too large a redirect to its body under `derived/<ulid>/`."""
    if can_answer(services, answer.length) or isinstance(answer.body, Stream):
        return answer
    key = derived_key(ulid, f"{hashlib.sha256(answer.body).hexdigest()[:16]}-{name}")
    if not _is_there(services, key, answer.length):
        services.objects.put(key, [answer.body], content_type=answer.content_type)
    return _redirect(services, ulid, key, f"{ulid}-{name}")


def message_bytes(services: Services, record: MessageRecord, start: int, end: int) -> bytes | Stream | None:
    """The client's bytes [start, end); None when they must be redirected to."""
    length = end - start
    if services.links is None and length > CHUNK:
        return Stream(length, lambda: services.reading.chunks(record, start, end, CHUNK))
    if services.links is not None and length > services.settings.answer_limit:
        return None
    return services.reading.raw(record, start, end)


def redirect_to_message(services: Services, record: MessageRecord) -> Answer:
    """A redirect to a copy of the message without its trace block."""
    key = derived_key(record.id, "raw.eml")
    if not _is_there(services, key, record.size):
        chunks: Iterator[bytes] = services.reading.chunks(record, 0, record.size, CHUNK)
        services.objects.put(key, chunks, content_type=RFC822)
    return _redirect(services, record.id, key, f"{record.id}.eml")


def redirect_to_copy(
    services: Services, copy: tuple[str, str, int], chunks: Iterator[bytes], content_type: str, filename: str
) -> Answer:
    """A redirect to a copy under `derived/<id>/`, made of `chunks` unless it is there.

    `copy` is the id, a name, and the size; what is not the same in content and type must not have the same name.
    """
    ulid, name, size = copy
    key = derived_key(ulid, name)
    if not _is_there(services, key, size):
        services.objects.put(key, chunks, content_type=content_type)
    return _redirect(services, ulid, key, filename)


def _is_there(services: Services, key: str, size: int) -> bool:
    try:
        return services.objects.head(key).size == size
    except ObjectNotFound:
        return False


def _redirect(services: Services, ulid: str, key: str, filename: str) -> Answer:
    if services.links is None:
        raise RuntimeError("a host without links was to redirect")
    if services.reading.is_deleted(ulid):  # meanwhile: its removal may not have seen the copy
        services.objects.delete(key)
        raise NotFound
    return Answer(307, headers={"Location": services.links.link(key, filename=filename, seconds=LINK_SECONDS)})
