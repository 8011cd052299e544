"""One `mailscribe up` per data folder: a lock that the kernel drops when its holder dies.

The lock file stays; only the flock counts. It also makes the folder, and says clearly when it cannot.
"""

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from mailscribe.errors import ConfigError

LOCK_FILE: Final = "lock"


class DataLock:
    """Holds the lock of a data folder until closed. Raises `ConfigError` when it is held or cannot be made."""

    def __init__(self, data: Path) -> None:
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"--data {data}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise ConfigError(f"--data {data}: in use by another mailscribe (process {holder or 'unknown'})") from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
