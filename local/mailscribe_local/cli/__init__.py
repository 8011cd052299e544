"""The command line: one console script, `mailscribe`. Exit codes: 0 ok, 1 negative answer, 2 usage,
3 unreachable, 4 not authorised; 130 after Ctrl-C. People get tables and colour, machines `--json`; nobody gets a
traceback. A command's module is imported when it is asked for: half of them need what takes long to import.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn, TextIO

from mailscribe import __version__
from mailscribe.errors import MailscribeError
from mailscribe_local.cli.errors import INTERRUPTED, NEGATIVE, OK, USAGE, exit_code
from mailscribe_local.cli.output import say

COMMANDS: Final = {
    "up": ("up", "run the whole system on this machine, in the foreground"),
    "send": ("send", "compose a message, or take one, and send it by SMTP"),
    "list": ("listing", "messages, newest first"),
    "search": ("listing", "messages that match a query, newest first"),
    "wait": ("waiting", "wait for a message that matches a query"),
    "replay": ("replaying", "play the client of a stored session against a server; both side by side"),
    "watch": ("watching", "show mail as it arrives; with an address, be its terminal"),
    "show": ("showing", "one message: its fields and text, or one of its forms"),
    "delete": ("deleting", "delete messages by id, or all that match a query"),
    "sessions": ("listing", "SMTP sessions, newest first"),
    "session": ("showing", "one SMTP session, word for word"),
    "directory": ("directory", "files that say who is here"),
    "credentials": ("credentials", "set a user's password in a file for --auth"),
    "reindex": ("reindexing", "make records and search index anew from the stored mail"),
    "token": ("token", "tokens of the API"),
}
"""Command → its module here, and what it does. A module's `add` gives the options; `run` in them does it."""

_EPILOG: Final = """\
The API is found by MAILSCRIBE_URL (http://127.0.0.1:8025) and MAILSCRIBE_TOKEN
(local).
Exit codes: 0 ok, 1 negative answer, 2 usage, 3 unreachable, 4 not authorised."""

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    _prepare_output()
    try:
        try:
            options = _parser(words).parse_args(words)
            code: int = options.run(options)
        finally:
            sys.stdout.flush()
    except MailscribeError as error:
        return _fail(words, str(error), exit_code(error))
    except BrokenPipeError:
        _forget_output()
        return OK
    except OSError as error:
        _forget_output()
        return _fail(words, error.strerror or type(error).__name__, NEGATIVE)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    return code


def _fail(words: Sequence[str], text: str, code: int) -> int:
    say(f"mailscribe {words[0]}: {text}")
    return code


def _prepare_output() -> None:
    """Both streams are there, and take any text: a mail may hold more than a terminal can show."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _forget_output() -> None:
    """Nobody reads it any more: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\ntry: {self.prog} --help\n")


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mailscribe",
        description="Every message a queryable record, every SMTP conversation word for word.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mailscribe {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands", parser_class=_Parser
    )
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(
            name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name in words:
            importlib.import_module(f"mailscribe_local.cli.{module}").add(name, command)
    return parser
