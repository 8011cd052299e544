"""What search knows of a message or session."""

from typing import Literal

from msgspec import Raw

from mailscribe.records.value import Value

Kind = Literal["message", "session"]


class IndexDocument(Value, frozen=True, kw_only=True):
    """What search knows of a message or session: exact tags, words, and the summary that a list shows.

    `commit` is the commit sequence (a ULID made when the record became readable); `size` in bytes.
    `summary` is the JSON of a MessageSummary or SessionSummary.
    """

    kind: Kind
    id: str
    commit: str
    size: int
    tags: tuple[str, ...]
    subject: str
    body: str
    summary: Raw
