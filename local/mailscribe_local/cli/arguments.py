"""Options that several commands have: text to a value, or the usage error that argparse makes of it."""

import argparse
import math
import os

from mailscribe.errors import ConfigError


def whole_number(text: str) -> int:
    """1 or more.

    >>> whole_number("25")
    25
    """
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number from 1 on, please")
    return int(text)


def seconds(text: str) -> float:
    """0 or more, decimals allowed.

    >>> seconds("2.5")
    2.5
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"{text}: seconds from 0 on, please")
    return value


def login_of(user: str | None) -> tuple[str, str] | None:
    """The credentials that --user stands for. Raises `ConfigError`."""
    if user is None:
        return None
    password = os.environ.get("MAILSCRIBE_SMTP_PASSWORD", "")
    if not password:
        raise ConfigError("--user: the secret is read from MAILSCRIBE_SMTP_PASSWORD, which is not set")
    return user, password
