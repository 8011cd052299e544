"""`mailscribe directory check FILE`: whether a directory file can be used, and what is in it."""

import argparse
from pathlib import Path

from mailscribe.errors import ConfigError
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import MAX_TEXT, decode
from mailscribe_local.cli.errors import NEGATIVE, OK
from mailscribe_local.cli.output import say


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read a directory file, and say what is in it or what is wrong")
    check.add_argument("file", metavar="FILE", help="YAML, as docs/policy.md says")
    check.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 and a summary, or 1 and the line that is wrong."""
    try:
        with Path(arguments.file).open("rb") as opened:
            text = decode(opened.read(MAX_TEXT + 1), arguments.file)
        directory = read_directory(text, arguments.file)
    except OSError as error:
        say(f"{arguments.file}: {error.strerror}")
        return NEGATIVE
    except ConfigError as error:
        say(str(error))
        return NEGATIVE
    counts = ", ".join(f"{count} {name}" for name, count in directory.counts.items())
    print(f"{arguments.file}: {counts}; disclosure {directory.disclosure}")
    return OK
