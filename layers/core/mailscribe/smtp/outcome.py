"""What came of a session: the set `delivered`, `rejected`; empty when no mail was offered.

One rule for the recording side and for transcripts that are read back: a message accepted is `delivered`; a 4xx or
5xx to a command of a mail transaction, to content, or in place of a greeting is `rejected`.
"""

from typing import Final

TRANSACTION_VERBS: Final = frozenset(("MAIL", "RCPT", "DATA", "BDAT", "EOD"))
DELIVERED: Final = "delivered"
REJECTED: Final = "rejected"
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

    def content(self, *, accepted: bool) -> None:
        """The end of content."""
        self._verb = "EOD"
        if accepted:
            self._found |= {DELIVERED}

    def reply(self, code: int, turn: int) -> None:
        """A reply in turn number `turn`."""
        if code >= 400 and (self._verb in TRANSACTION_VERBS or (self._verb is None and turn == 0)):
            self._found |= {REJECTED}

    def names(self) -> tuple[str, ...]:
        """The set, in order."""
        return tuple(sorted(self._found))
