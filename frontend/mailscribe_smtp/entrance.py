"""What a listener is to the connections that come by it: its service, its TLS, who verifies, whom it believes."""

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from mailscribe.errors import MailscribeError
from mailscribe.smtp import AuthRequested, Service
from mailscribe_smtp.proxy import Trusted

PLAIN: Final = Service()
_logger = logging.getLogger(__name__)


class Verifier(Protocol):
    """Says whether credentials are right."""

    async def verify(self, user: str, secret: bytes) -> bool:
        """Whether they are. Raises `StoreUnavailable` when nobody can say now. Never blocks the event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """One listener. `tls` gives the context in force; without `verifier` nobody can be verified.

    `proxy`: every connection begins with a PROXY header, from one of these.
    """

    service: Service = PLAIN
    tls: Callable[[], ssl.SSLContext] | None = None
    verifier: Verifier | None = None
    proxy: Trusted | None = None

    async def verified(self, asked: AuthRequested) -> bool | None:
        """Whether credentials are right; None when nobody can say now. Never raises."""
        try:
            return self.verifier is not None and await self.verifier.verify(asked.user, asked.secret)
        except MailscribeError as error:
            _logger.warning("credentials cannot be verified: %s", error)
        except Exception:
            _logger.exception("credentials cannot be verified")
        return None
