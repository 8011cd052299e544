"""Bearer tokens as stored."""

from datetime import datetime
from typing import Literal

from mailscribe.records.value import Value


class TokenRecord(Value, frozen=True, kw_only=True):
    """A bearer token as stored under the SHA-256 of its text: name, scopes, recipient patterns, expiry."""

    name: str
    scopes: tuple[Literal["read", "delete", "admin"], ...]
    recipients: tuple[str, ...] = ("*",)
    created_at: datetime
    expires_at: datetime | None = None
