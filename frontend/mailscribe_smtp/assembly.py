"""A front end put together from its settings: certificate, credentials, policy, listeners, and what keeps them fresh.

Whatever cannot be used is a `ConfigError` at the start. Later, files that change are taken when they are good, and a
bad one changes nothing but the log.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe.settings import Settings
from mailscribe.smtp import Service
from mailscribe_smtp.certificate import Certificate
from mailscribe_smtp.credentials import Anybody, Credentials, CredentialsFile, parse_credentials
from mailscribe_smtp.entrance import Entrance, Verifier
from mailscribe_smtp.listeners import Listener, service_of
from mailscribe_smtp.policy_source import PolicySource
from mailscribe_smtp.proxy import Trusted

REFRESH_SECONDS: Final = 2.0
"""Between two looks at the files."""


class Assembly:
    """What the listeners of one process share."""

    def __init__(self, settings: Settings) -> None:
        """Raises `ConfigError`."""
        self.settings = settings
        self.certificate = open_certificate(settings)
        self.verifier = open_verifier(settings)
        self.source = PolicySource(settings)

    def entrance(self, listener: Listener, change: Callable[[Service], Service] = lambda service: service) -> Entrance:
        """What that listener is to its connections; `change` may take something away. Raises `ConfigError`."""
        certificate = self.certificate
        service = service_of(
            listener, self.settings, has_tls=certificate is not None, has_users=self.verifier is not None
        )
        return Entrance(
            service=change(service),
            tls=None if certificate is None else certificate.context,
            verifier=self.verifier,
            proxy=Trusted(self.settings.proxy_trusted) if listener.proxy else None,
        )

    def refresh(self) -> None:
        """Look at the files. Never raises."""
        if self.certificate is not None:
            self.certificate.refresh()
        self.source.refresh()

    async def keep_fresh(self) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            self.refresh()

    def close(self) -> None:
        """Let go of threads."""
        if isinstance(self.verifier, Credentials):
            self.verifier.close()


def open_certificate(settings: Settings) -> Certificate | None:
    """The certificate, if there is one. Raises `ConfigError`."""
    files, texts = (settings.tls_cert, settings.tls_key), (settings.tls_cert_pem, settings.tls_key_pem)
    for pair, names in ((files, "MAILSCRIBE_TLS_CERT and MAILSCRIBE_TLS_KEY"), (texts, "their _PEM")):
        if any(pair) and not all(pair):
            raise ConfigError(f"{names}: one is set and the other is not")
    if all(files):
        return Certificate(Path(files[0]), Path(files[1]))
    return Certificate.of_text(*texts) if all(texts) else None


def open_verifier(settings: Settings) -> Verifier | None:
    """Who verifies, if anybody does. Raises `ConfigError`."""
    if settings.auth_users:
        return Credentials(parse_credentials(settings.auth_users, "MAILSCRIBE_AUTH_USERS"))
    if settings.auth == "off":
        return None
    return Anybody() if settings.auth == "any" else CredentialsFile(Path(settings.auth))
