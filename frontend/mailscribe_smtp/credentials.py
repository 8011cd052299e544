"""Who may authenticate: a file of `user:hash` lines, or everybody, verified off the event loop.

Hashes are argon2id's (RFC 9106), made by `mailscribe credentials`. To verify one costs time and memory on purpose, so
few are verified at a time and few may wait: beyond that nobody can say now, and the client hears 454. A user that is
not there costs as much as one that is.
"""

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import argon2

from mailscribe.errors import ConfigError, StoreUnavailable

WORKERS: Final = 2
WAITING: Final = 32
"""Verifications that may wait or run; one takes some 30 ms and 64 MB."""

_USER: Final = re.compile(r"[^\s:]{1,320}")
_logger = logging.getLogger(__name__)
_hasher: Final = argon2.PasswordHasher()


class Anybody:
    """Takes every user and every secret: for software under test, on loopback."""

    async def verify(self, user: str, secret: bytes) -> bool:  # noqa: ARG002 - whoever it is
        """Yes."""
        return True


class Credentials:
    """The users that were named, verified in threads."""

    def __init__(self, hashes: dict[str, str]) -> None:
        self._hashes = hashes
        self._nobody = _hasher.hash(b"nobody")
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="credentials")
        self._waiting = 0

    async def verify(self, user: str, secret: bytes) -> bool:
        """Whether the secret is the user's. Raises `StoreUnavailable` when too many wait already."""
        if self._waiting >= WAITING:
            raise StoreUnavailable("too many credentials to verify at once")
        self._refresh()
        known = self._hashes.get(user)
        self._waiting += 1
        try:
            fits = await asyncio.get_running_loop().run_in_executor(self._pool, _fits, known or self._nobody, secret)
        finally:
            self._waiting -= 1
        return fits and known is not None

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _refresh(self) -> None:
        """Nothing to look at."""


class CredentialsFile(Credentials):
    """The users of a file, read anew when it has changed; a bad one keeps the last good one."""

    def __init__(self, path: Path) -> None:
        """Raises `ConfigError`."""
        self._path = path
        self._stamp = _stamp(path)
        super().__init__(read_credentials(path))

    def _refresh(self) -> None:
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._hashes = read_credentials(self._path)
        except ConfigError as error:
            _logger.error("%s; the credentials stay as they were", error)  # noqa: TRY400 - no traceback of a typo


def read_credentials(path: Path) -> dict[str, str]:
    """User → hash. Raises `ConfigError` with the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'no UTF-8'}") from None
    return parse_credentials(text, str(path))


def parse_credentials(text: str, name: str) -> dict[str, str]:
    """User → hash, of the lines of a text called `name`. Raises `ConfigError` with the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, hashed = line.strip().partition(":")
        if not colon or not _USER.fullmatch(user) or not user.isprintable():
            raise ConfigError(f"{name}:{number}: not USER:HASH")
        if user in found:
            raise ConfigError(f"{name}:{number}: that user is there twice")
        found[user] = _checked(hashed, f"{name}:{number}")
    return found


def hashed(secret: bytes) -> str:
    """The hash to write for a secret."""
    return _hasher.hash(secret)


def _checked(text: str, where: str) -> str:
    try:
        argon2.extract_parameters(text)
    except argon2.exceptions.InvalidHashError:
        raise ConfigError(f"{where}: no argon2 hash; `mailscribe credentials` makes one") from None
    return text


def _fits(known: str, secret: bytes) -> bool:
    try:
        return _hasher.verify(known, secret)
    except argon2.exceptions.VerificationError:
        return False


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    return found.st_mtime_ns, found.st_size, found.st_ino
