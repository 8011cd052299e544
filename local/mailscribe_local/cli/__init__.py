"""The command line: one console script, `mailscribe`. Exit codes: 0 ok, 1 negative answer, 2 usage,
3 unreachable, 4 not authorised. People get tables and colour, machines `--json`; nobody gets a traceback.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from mailscribe import __version__
from mailscribe.errors import ConfigError, StoreError
from mailscribe_local.cli import reading, send, token, up, waiting
from mailscribe_local.cli.client import NotAuthorised, ServerRefused, Unreachable
from mailscribe_local.cli.output import say

OK: Final = 0
NEGATIVE: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
NOT_AUTHORISED: Final = 4

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (ConfigError, StoreError, Unreachable, NotAuthorised, ServerRefused) as error:
        say(f"mailscribe {options.command}: {error}")
        return _exit_code(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        say("")
        return 130
    return code


def _exit_code(error: Exception) -> int:
    match error:
        case NotAuthorised():
            return NOT_AUTHORISED
        case Unreachable() | StoreError():
            return UNREACHABLE
        case ServerRefused(status=404 | 204):
            return NEGATIVE
        case _:
            return USAGE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\ntry: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mailscribe",
        description="Every message a queryable record, every SMTP conversation word for word.",
        epilog="The API is found by MAILSCRIBE_URL (http://127.0.0.1:8025) and MAILSCRIBE_TOKEN (local).",
    )
    parser.add_argument("--version", action="version", version=f"mailscribe {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for module in (up, send, reading, waiting, token):
        module.add(commands)
    return parser
