"""Bearer tokens: the text of an Authorization field in, the token's record out, or a refusal (RFC 6750).

Only the SHA-256 of a token is looked up; its text is never stored or logged. What was found is believed for
at most 30 seconds, so a revocation holds within that time; what was not found is asked for again each time.
A token bound to recipients is refused as a whole until answers can be narrowed to them.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from mailscribe.errors import CallerError
from mailscribe.ids import now_ms
from mailscribe.records import TokenRecord
from mailscribe.store.items import token_key, unpack
from mailscribe.store.ports import Key, Records

CACHE_MS: Final = 30_000
CACHE_SIZE: Final = 1000
TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]{1,256}=*")
"""RFC 6750 §2.1 `b64token`, with a limit of ours: a longer one is not worth a look-up."""
_BEARER: Final = re.compile(rf" *[Bb][Ee][Aa][Rr][Ee][Rr] +({TOKEN.pattern}) *")


class Unauthenticated(CallerError):
    """No usable token; `given` says whether one was sent that is malformed, unknown, revoked or expired."""

    def __init__(self, *, given: bool) -> None:
        super().__init__("the token is not valid" if given else "no token")
        self.given = given


class ScopeMissing(CallerError):
    """The token is valid but lacks the scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"the token lacks the scope {scope}")
        self.scope = scope


class TokenNarrowed(CallerError):
    """The token is bound to recipients, which no answer can be narrowed to yet."""


class Tokens:
    """Verifies bearer tokens against the records. Safe to share between threads."""

    def __init__(self, records: Records, clock_ms: Callable[[], int] = now_ms) -> None:
        self._records = records
        self._clock_ms = clock_ms
        self._cache: OrderedDict[Key, tuple[int, TokenRecord]] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, authorization: str | None) -> TokenRecord:
        """The record of the token in an Authorization field.

        Raises `Unauthenticated`, `TokenNarrowed`, `StoreUnavailable`.
        """
        if authorization is None:
            raise Unauthenticated(given=False)
        found = _BEARER.fullmatch(authorization)
        if found is None:
            raise Unauthenticated(given=True)
        now = self._clock_ms()
        record = self._find(token_key(found[1]), now)
        if record is None or _expired(record, now):
            raise Unauthenticated(given=True)
        if record.recipients != ("*",):
            raise TokenNarrowed
        return record

    def _find(self, key: Key, now: int) -> TokenRecord | None:
        with self._lock:
            cached = self._cache.get(key)
        if cached is not None and 0 <= now - cached[0] < CACHE_MS:
            return cached[1]
        stored = self._records.get_many([key])
        record = unpack(stored[0], TokenRecord) if stored else None
        with self._lock:
            self._cache.pop(key, None)
            if record is not None:
                self._cache[key] = (now, record)
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return record


def require(record: TokenRecord | None, scope: str) -> None:
    """Return if the token has the scope. Raises `ScopeMissing`; `Unauthenticated` for no token."""
    if record is None:
        raise Unauthenticated(given=False)
    if scope not in record.scopes:
        raise ScopeMissing(scope)


def _expired(record: TokenRecord, now: int) -> bool:
    return record.expires_at is not None and record.expires_at <= datetime.fromtimestamp(now / 1000, UTC)
