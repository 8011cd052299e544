"""The server's certificate: TLS 1.2 and later, renewed without a restart, and never half.

Key and certificate come from files, which are read anew when they change, or as PEM text from the environment, where a
secret store puts it. A pair that cannot be used keeps the old one. Nothing of a key is ever in an error.
"""

import logging
import ssl
import tempfile
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe_smtp.securing import remember_name

_logger = logging.getLogger(__name__)
_TMPFS: Final = Path("/dev/shm")  # noqa: S108 - a folder in memory: OpenSSL loads keys from files only


class Certificate:
    """Gives the context in force; see `refresh`."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises `ConfigError`."""
        self._paths: tuple[Path, ...] = (certificate, key)
        self._stamps = self._stat()
        self._context = make_context(certificate, key)

    @classmethod
    def of_text(cls, certificate: str, key: str) -> "Certificate":
        """From PEM text, which is in a file only while it is loaded. Raises `ConfigError`."""
        with tempfile.TemporaryDirectory(dir=_TMPFS if _TMPFS.is_dir() else None) as folder:
            paths = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
            for path, text in zip(paths, (certificate, key), strict=True):
                path.touch(0o600)
                path.write_text(text)
            try:
                made = cls(*paths)
            except ConfigError as error:
                reason = str(error).rpartition(": ")[2]
                raise ConfigError(f"the certificate and key that were given as text: {reason}") from None
        made._paths = ()
        return made

    def context(self) -> ssl.SSLContext:
        """For the next handshake."""
        return self._context

    def refresh(self) -> bool:
        """Read the files again if they have changed; True when another certificate is in force now. Never raises."""
        if not self._paths:
            return False
        try:
            stamps = self._stat()
            if stamps == self._stamps:
                return False
            self._stamps = stamps
            self._context = make_context(self._paths[0], self._paths[1])
        except ConfigError as error:
            _logger.error("%s; the certificate stays as it was", error)  # noqa: TRY400 - no traceback of a typo
            return False
        return True

    def _stat(self) -> tuple[tuple[int, int, int], ...]:
        try:
            return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in (p.stat() for p in self._paths))
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}") from None


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context. Raises `ConfigError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        reason = (error.reason or "no certificate and key in PEM").lower().replace("_", " ")
        raise ConfigError(f"{certificate} and {key}: {reason}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{certificate} and {key}: {getattr(error, 'strerror', None) or error}") from None
    remember_name(context)
    return context


def _no_password() -> str:
    raise ValueError("the key has a password, and there is nobody to ask")
