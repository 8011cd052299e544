"""What a route answers, before it becomes a payload: status, body, type, header fields.

A body is bytes, or for a host that streams a `Stream` of known length. The payload form (API Gateway, version 2.0)
is made in `application`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
JSON_LINES: Final = "application/jsonl"
RFC822: Final = "message/rfc822"

_TEXTUAL: Final = ("application/json", "application/problem+json", "text/")


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that is never whole in memory: its length in bytes, and what makes its chunks anew."""

    length: int
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. An empty `content_type` means that there is no content; `is_binary`: text of any charset too."""

    status: int
    body: bytes | Stream = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_binary: bool = False

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return self.body.length if isinstance(self.body, Stream) else len(self.body)

    @property
    def is_text(self) -> bool:
        """Whether a payload may carry the body as text rather than base64."""
        return not self.is_binary and self.content_type.startswith(_TEXTUAL)


def json_answer(value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """200 with a value as JSON."""
    return Answer(200, msgspec.json.encode(value), JSON, dict(headers or {}))


def no_content() -> Answer:
    """204."""
    return Answer(204)
