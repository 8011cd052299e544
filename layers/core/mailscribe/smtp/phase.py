"""What a session is doing: awaiting octets of one kind or another, or an answer of its driver."""

from enum import Enum, auto
from typing import Final


class Phase(Enum):
    """One at a time."""

    BEFORE = auto()
    """Not greeted yet."""
    COMMANDS = auto()
    ADMISSION = auto()
    """The driver says whether there is room for a message."""
    CONTENT = auto()
    """Octets of a message: to the true end, or of a chunk."""
    SKIP = auto()
    """Octets of a chunk that is refused."""
    COMMIT = auto()
    """The driver stores a message."""
    TLS = auto()
    """The driver begins TLS."""
    AUTH = auto()
    """The driver verifies credentials."""
    PAUSED = auto()
    """The driver says when a rule's delay is over."""
    CLOSED = auto()


WAITING: Final = (Phase.ADMISSION, Phase.COMMIT, Phase.TLS, Phase.AUTH, Phase.PAUSED)
"""The driver's answer is awaited."""

TIMED: Final = (Phase.COMMANDS, Phase.CONTENT, Phase.SKIP)
"""The client is awaited."""

AWAITED: Final = (Phase.COMMIT, Phase.AUTH)
"""What was sent is still answered when the client sends no more."""
