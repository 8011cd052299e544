"""What all sessions of a server ask: the directory, the rules, who is watched. Its parts are replaced while in use."""

from collections.abc import Callable

from mailscribe.policy.directory import Directory
from mailscribe.policy.rules import Rules


def _nobody(_: str) -> bool:
    return False


class Policy:
    """Read at each use. `is_watched`: an address in lower case → whether somebody watches for it."""

    __slots__ = ("directory", "is_watched", "rules")

    def __init__(
        self, directory: Directory, rules: Rules | None = None, is_watched: Callable[[str], bool] = _nobody
    ) -> None:
        self.directory = directory
        self.rules = rules or Rules()
        self.is_watched = is_watched
