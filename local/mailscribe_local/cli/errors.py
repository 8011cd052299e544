"""What ends a command early, each with the exit code that scripts see.

1 negative answer, 3 unreachable, 4 not authorised. Everything else that is raised on purpose (`ConfigError`, a
question that the API refuses) is usage: 2.
"""

from typing import ClassVar, Final

from mailscribe.errors import MailscribeError, StoreError

OK: Final = 0
NEGATIVE: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
NOT_AUTHORISED: Final = 4
INTERRUPTED: Final = 130


class CommandError(MailscribeError):
    """A command ends without what was asked of it."""

    exit_code: ClassVar[int] = USAGE


class Refused(CommandError):
    """The server answered that it will not, or that what was asked is wrong."""


class Negative(CommandError):
    """There is no such thing, or the mail is not taken."""

    exit_code = NEGATIVE


class Unreachable(CommandError):
    """Nobody answers, or not now, or what answers is something else."""

    exit_code = UNREACHABLE


class NotAuthorised(CommandError):
    """The token or the credentials are missing, wrong, expired, or do not allow this."""

    exit_code = NOT_AUTHORISED


def exit_code(error: MailscribeError) -> int:
    """The exit code of a command that ended with `error`."""
    if isinstance(error, CommandError):
        return error.exit_code
    return UNREACHABLE if isinstance(error, StoreError) else USAGE
