"""What came of a session: the set `delivered`, `rejected`, `auth-failed`, `tls-failed`; empty when nothing did.

One rule for the recording side and for transcripts that are read back: a message accepted is `delivered`; a 4xx or
5xx to a command of a mail transaction, to content, or in place of a greeting is `rejected`; a 535 to AUTH is
`auth-failed`; a handshake that did not come to its end is `tls-failed`.
"""

from typing import Final

TRANSACTION_VERBS: Final = frozenset(("MAIL", "SEND", "SOML", "SAML", "RCPT", "DATA", "BDAT", "EOD"))
DELIVERED: Final = "delivered"
REJECTED: Final = "rejected"
AUTH_FAILED: Final = "auth-failed"
TLS_FAILED: Final = "tls-failed"
_NOTHING: Final[frozenset[str]] = frozenset()
"""One for all sessions: an empty set is as large as what an idle session remembers of its peer."""


class Outcome:
    """Collects the outcome in wire order."""

    __slots__ = ("_found", "_verb")

    def __init__(self) -> None:
        self._verb: str | None = None
        self._found = _NOTHING

    def command(self, verb: str | None) -> None:
        """The turn that the next reply answers; None: a reply that nobody asked for."""
        self._verb = verb

    def content(self, *, delivered: bool) -> None:
        """The end of content; `delivered`: it is a message now."""
        self._verb = "EOD"
        if delivered:
            self._found |= {DELIVERED}

    def reply(self, code: int, turn: int) -> None:
        """A reply in turn number `turn`."""
        if code >= 400 and (self._verb in TRANSACTION_VERBS or (self._verb is None and turn == 0)):
            self._found |= {REJECTED}
        elif code == 535 and self._verb == "AUTH":
            self._found |= {AUTH_FAILED}

    def tls_failed(self) -> None:
        """A handshake came to nothing."""
        self._found |= {TLS_FAILED}

    def names(self) -> tuple[str, ...]:
        """The set, in order."""
        return tuple(sorted(self._found))
