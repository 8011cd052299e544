"""One `mailscribe up` per data folder: a lock that the kernel drops when its last holder is gone.

The supervisor takes it and its children inherit it: when the supervisor is killed the lock outlives it for as long
as they drain. The lock file stays; only the flock counts. It also makes the folder, and says clearly when it cannot.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final, Self

from mailscribe.errors import ConfigError

LOCK_FILE: Final = "lock"
PATIENCE: Final = 5.0
"""Seconds that the children of a killed supervisor are waited for."""
_PAUSE: Final = 0.05


class DataLock:
    """Holds the lock of a data folder until closed. Raises `ConfigError` when it is held or cannot be made.

    `fd` is for children to inherit.
    """

    def __init__(self, data: Path) -> None:
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.fd = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"--data {data}: cannot be written ({error.strerror})") from error
        if not _take(self.fd):
            holder = _holder(self.fd)
            os.close(self.fd)
            raise ConfigError(f"--data {data}: in use by another mailscribe (process {holder or 'unknown'})")
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take(fd: int) -> bool:
    """Take the lock; False when whoever took it last lives, or those it left behind do not end."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > end or _lives(_holder(fd)):
                return False
            time.sleep(_PAUSE)
        else:
            return True


def _holder(fd: int) -> str:
    return os.pread(fd, 32, 0).decode("ascii", "replace").strip()


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
