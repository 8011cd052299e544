"""ULIDs: 48 bits of milliseconds, 80 bits of entropy, 26 characters of Crockford base 32.

Ids of one process rise strictly, also within a millisecond and when the clock steps back.
Clock and entropy are parameters. Format: https://github.com/ulid/spec
"""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
LEAST: Final = "0" * 26
GREATEST: Final = "7" + "Z" * 25
_PAIRS: Final = tuple(first + second for first in ALPHABET for second in ALPHABET)
_ENTROPY_BITS: Final = 80
_MAX_MS: Final = (1 << 48) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last that datetime knows
_DIGITS: Final = str.maketrans(ALPHABET + "ILOU_", "0123456789ABCDEFGHIJKLMNOPQRSTUV?????")
"""To the digits of Python's base 32, of which neither the letters that Crockford left out nor `_` may become one."""


def is_ulid(text: str) -> bool:
    """Whether `text` is a ULID in canonical upper case.

    >>> is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"), is_ulid("01arz3ndektsv4rrffq69g5fav")
    (True, False)
    """
    return ULID.fullmatch(text) is not None


def make_ulid(milliseconds: int, entropy: int) -> str:
    """The ULID of a time (ms since 1970, 0..2**48-1) and 80 bits of entropy.

    >>> make_ulid(0, 1)
    '00000000000000000000000001'
    """
    if not 0 <= milliseconds <= _MAX_MS or not 0 <= entropy < 1 << _ENTROPY_BITS:
        raise ValueError("time or entropy out of range")
    value = milliseconds << _ENTROPY_BITS | entropy
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def ulid_ms(ulid: str) -> int:
    """The milliseconds since 1970 that a ULID carries.

    >>> ulid_ms("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    1469922850259
    """
    return int(ulid[:10].translate(_DIGITS), 32)


def ulid_time(ulid: str) -> datetime:
    """The moment that a ULID carries, in UTC; one after the year 9999 is that year's end."""
    return _EPOCH + timedelta(milliseconds=min(ulid_ms(ulid), _LAST_MS))


def ulid_of(milliseconds: int, *identity: str) -> str:
    """A ULID that the same identity always gets again: entropy is a hash of the given strings."""
    digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogateescape")).digest()
    return make_ulid(milliseconds, int.from_bytes(digest[:10]))


def now_ms() -> int:
    """Wall-clock milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class UlidFactory:
    """Makes ULIDs that rise strictly, whatever the clock does. Safe to share between threads."""

    def __init__(
        self,
        clock_ms: Callable[[], int] = now_ms,
        entropy: Callable[[], int] = lambda: secrets.randbits(_ENTROPY_BITS),
        *,
        after: str = LEAST,
    ) -> None:
        """Every id is greater than `after`, for who goes on with what another began."""
        self._clock_ms = clock_ms
        self._entropy = entropy
        self._last = (ulid_ms(after), int(after[10:].translate(_DIGITS), 32))
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """The next id."""
        with self._lock:
            milliseconds, entropy = self._clock_ms(), self._entropy()
            last_ms, last_entropy = self._last
            if milliseconds <= last_ms:
                milliseconds, entropy = last_ms, last_entropy + 1
                if entropy >> _ENTROPY_BITS:
                    milliseconds, entropy = last_ms + 1, 0
            self._last = (milliseconds, entropy)
            return make_ulid(milliseconds, entropy)
