"""The route of a message's parts: decoded octets of one, in the type that its sender gave it.

A sender's content is never run: what is not plain text, a picture, sound or film is an attachment, and everything is
under a policy that sandboxes it and a type that is not guessed at. What is too large is copied under `derived/`.
"""

import hashlib
import re
from typing import Final

from msgspec import UNSET

from mailscribe.records import BodyPart, MessageRecord
from mailscribe.service.api.answer import Answer, Stream
from mailscribe.service.api.conditional import is_unchanged, requested_range
from mailscribe.service.api.disposition import ascii_name, disposition, safe_name
from mailscribe.service.api.large import CHUNK, redirect_to_copy
from mailscribe.service.api.routes import Call, Form, Route, Services
from mailscribe.service.parts import decoded, find_part

OCTETS: Final = "application/octet-stream"
ANY: Final = "*/*"
POLICY: Final = "default-src 'none'; sandbox"
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
"""RFC 6838 §4.2, in lower case."""
_CHARSET: Final = re.compile(r"[A-Za-z0-9!#$%&+^_`{}~.:()-]{1,64}")
_SHOWN: Final = re.compile(r"text/plain|image/(?:png|jpeg|gif|webp|avif|bmp)|(?:audio|video)/(?!.*xml).*")
"""Types that a browser shows and never runs."""


def get_part(services: Services, call: Call) -> Answer:
    """The decoded octets of a part, whole or a range of them."""
    record = services.reading.message(call.id)
    part = find_part(record, call.places["partId"])
    etag = entity_tag(record, part)
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if is_unchanged(call.request.headers, etag):
        return Answer(304, headers=headers)
    wanted = requested_range(call.request.headers, etag, part.size) if call.request.method == "GET" else None
    start, end = wanted or (0, part.size)
    name = safe_name(part.name, f"{record.id}-{part.part_id}")
    body = _body(services, record, part, start, end)
    if body is None:
        chunks = decoded(services.reading, record, part, 0, part.size)
        stored = content_type(part) if is_shown(part) else OCTETS
        copy = (record.id, f"{part.part_id}-{_digest(etag, stored)}", part.size)
        return redirect_to_copy(services, copy, chunks, stored, ascii_name(name))
    headers["Content-Disposition"] = disposition("inline" if is_shown(part) else "attachment", name)
    headers["Content-Security-Policy"] = POLICY
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{part.size}"
    return Answer(200 if wanted is None else 206, body, content_type(part), headers, is_binary=True)


def entity_tag(record: MessageRecord, part: BodyPart) -> str:
    """The hash of the part where it is known, else what it is made from: the message's hash, its number, the parser."""
    if part.sha256 is not UNSET:
        return f'"{part.sha256}"'
    return f'"{record.sha256}-{part.part_id}-{record.parser_version}"'


def content_type(part: BodyPart) -> str:
    """The part's type, of text with its charset; what is not well-formed is only octets."""
    if _TYPE.fullmatch(part.type) is None:
        return OCTETS
    if part.type.startswith("text/") and part.charset and _CHARSET.fullmatch(part.charset):
        is_token = part.charset.isascii() and not set(part.charset) & set("():")
        return f"{part.type}; charset={part.charset}" if is_token else f'{part.type}; charset="{part.charset}"'
    return part.type


def is_shown(part: BodyPart) -> bool:
    """Whether a browser may show it."""
    is_typed = _TYPE.fullmatch(part.type) is not None and _SHOWN.fullmatch(part.type) is not None
    return is_typed and part.disposition != "attachment"


def _digest(*what: str) -> str:
    return hashlib.sha256("\n".join(what).encode()).hexdigest()[:16]


def _body(services: Services, record: MessageRecord, part: BodyPart, start: int, end: int) -> bytes | Stream | None:
    if services.links is None and end - start > CHUNK:
        return Stream(end - start, lambda: decoded(services.reading, record, part, start, end))
    if services.links is not None and end - start > services.settings.answer_limit:
        return None
    return b"".join(decoded(services.reading, record, part, start, end))


ROUTES: Final = (
    Route(
        path="/v1/messages/{id}/parts/{partId}",
        handler=get_part,
        summary="The decoded bytes of a part",
        forms=(
            Form(200, "The part in its own type; ETag names its content", ANY),
            Form(206, "The range that was asked for", ANY),
            Form(304, "If-None-Match names this content", ""),
            Form(307, "Too large to answer here: an address that is good for 60 seconds", ""),
        ),
        problems=(404, 416),
    ),
)
