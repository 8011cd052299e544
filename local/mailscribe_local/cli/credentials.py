"""`mailscribe credentials FILE USER`: put a user's password into a file for `--auth FILE`, as a hash.

The password is asked for on a terminal, twice and unseen, or is the first line of standard input. Nothing shows it.
The file is replaced whole and durably, by one that only its owner can read; a link to it stays a link.
"""

import argparse
import getpass
import sys
from collections.abc import Iterable
from pathlib import Path

from mailscribe.errors import ConfigError, StoreError
from mailscribe_local.cli.errors import OK, Negative
from mailscribe_local.durable import discard, fsync_folder, write_temp


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", metavar="FILE", help="file of USER:HASH lines; it is made if it is not there")
    parser.add_argument("user", metavar="USER", help="the name that the client says in AUTH")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Add the user, or change the password."""
    from mailscribe_smtp.credentials import hashed, parse_credentials  # noqa: PLC0415 - argon2 is for this command only

    path = Path(arguments.file).resolve()
    lines = _lines(path, arguments.file)
    parse_credentials("\n".join(lines), arguments.file)
    kept = [line for line in lines if line.partition(":")[0].strip() != arguments.user]
    line = f"{arguments.user}:{hashed(_password())}"
    if arguments.user not in parse_credentials(line, "USER"):
        raise ConfigError("USER: a name that begins with # would be a comment")
    _replace(path, [*kept, line], arguments.file)
    print(f"{arguments.file}: {arguments.user} {'changed' if len(kept) < len(lines) else 'added'}")
    return OK


def _lines(path: Path, name: str) -> list[str]:
    """The lines of the file, none if it is not there. Raises `ConfigError`, `Negative`."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Negative(f"{name}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: no UTF-8") from None


def _replace(path: Path, lines: Iterable[str], name: str) -> None:
    """Write the file anew. Raises `Negative`; the old one stays then."""
    try:
        temporary, _ = write_temp(path.parent, [f"{line}\n".encode() for line in lines])
        try:
            temporary.replace(path)
        except OSError:
            discard(temporary)
            raise
        fsync_folder(path.parent)
    except (OSError, StoreError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        raise Negative(f"{name}: {getattr(cause, 'strerror', None) or 'cannot be written'}") from error


def _password() -> bytes:
    """The password in UTF-8 (RFC 4616 §2). Raises `ConfigError`."""
    try:
        password = _asked() if sys.stdin and sys.stdin.isatty() else _read()
    except EOFError:
        raise ConfigError("nothing more to read, and nothing changed") from None
    except UnicodeError:
        raise ConfigError("a password is UTF-8") from None
    if not password:
        raise ConfigError("an empty password is none")
    return password


def _asked() -> bytes:
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ConfigError("the two are not the same")
    return password.encode()


def _read() -> bytes:
    return sys.stdin.readline().rstrip("\r\n").encode() if sys.stdin else b""
