"""Every error of mailscribe, by who is to blame and by whether trying again helps.

One base. The text of an exception is for the operator's log; what a peer reads comes from the
reply table (SMTP) or the problem table (HTTP), never from `str(error)`.
"""

from typing import ClassVar


class MailscribeError(Exception):
    """Base of all errors raised on purpose; `retry` says whether the same call may succeed later."""

    retry: ClassVar[bool] = False


class StoreError(MailscribeError):
    """A store did not do what was asked; blame: ours."""


class StoreUnavailable(StoreError):
    """The store is down, slow, throttling or timed out: nothing is known to be stored."""

    retry: ClassVar[bool] = True


class StoreFull(StoreUnavailable):
    """No space (ENOSPC, EDQUOT) for the write."""


class ObjectNotFound(StoreError, LookupError):
    """No object under that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object {key!r}")
        self.key = key


class ConditionFailed(StoreError):
    """A transaction was refused because a condition did not hold; nothing of it was written.

    `failed` holds the indices of the writes whose condition failed, in order.
    """

    retry: ClassVar[bool] = True

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"conditions failed: {failed}")
        self.failed = failed


class CorruptObject(StoreError):
    """An object under one of our prefixes is not what that prefix promises (trace block, transcript)."""


class ConfigError(MailscribeError):
    """A setting, file or command-line value cannot be used; the message names it and says why."""


class CallerError(MailscribeError):
    """The API's caller asked for something that cannot be answered; never worth a retry as it is."""


class QueryError(CallerError):
    """A query that the grammar does not accept.

    `position` is the 0-based character offset in `q`; `expected` says what could have stood there.
    """

    def __init__(self, detail: str, *, position: int, expected: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.position = position
        self.expected = expected


class CursorError(CallerError):
    """A cursor that is malformed, forged, or made for another query or scope."""


class ParameterError(CallerError):
    """A query parameter that is unknown or whose value cannot be used."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


class NotFound(CallerError, LookupError):
    """No such message, session, part or route in the caller's scope."""
