"""`mailscribe credentials FILE USER`: put a user's password into a file for `--auth FILE`, as a hash.

The password is asked for on a terminal, twice and unseen, or is the first line of standard input. Nothing shows it.
"""

import argparse
import getpass
import os
import sys
from pathlib import Path

from mailscribe.errors import ConfigError
from mailscribe_local.cli.errors import OK


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", metavar="FILE", help="file of USER:HASH lines; it is made if it is not there")
    parser.add_argument("user", metavar="USER", help="the name that the client says in AUTH")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Add the user, or change the password."""
    from mailscribe_smtp.credentials import hashed, parse_credentials  # noqa: PLC0415 - argon2 is for this command only

    path = Path(arguments.file)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    parse_credentials("\n".join(lines), arguments.file)
    kept = [line for line in lines if line.partition(":")[0].strip() != arguments.user]
    line = f"{arguments.user}:{hashed(_password().encode())}"
    parse_credentials(line, "USER")
    temporary = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join([*kept, line]) + "\n")
    temporary.replace(path)
    print(f"{arguments.file}: {arguments.user} {'changed' if len(kept) < len(lines) else 'added'}")
    return OK


def _password() -> str:
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise ConfigError("the two are not the same")
    if not password:
        raise ConfigError("an empty password is none")
    return password
