"""`mailscribe up`: the whole system on this machine."""

import argparse
import os
from pathlib import Path

from mailscribe.errors import ConfigError
from mailscribe_local.cli.output import say
from mailscribe_local.stack import supervisor
from mailscribe_local.stack.options import Options, choose_token, parse_address


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("up", help="run the whole system on this machine, in the foreground")
    parser.add_argument("--smtp", default="127.0.0.1:1025", metavar="HOST:PORT", help="SMTP address (%(default)s)")
    parser.add_argument("--http", default="127.0.0.1:8025", metavar="HOST:PORT", help="API address (%(default)s)")
    parser.add_argument("--data", default=".mailscribe", metavar="DIR", help="data folder (%(default)s)")
    parser.add_argument("--backend", choices=("embedded", "moto"), default="embedded", help="stores (%(default)s)")
    parser.add_argument("--token", help="API token; on loopback `local` if left out, elsewhere one is made")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM."""
    http = parse_address("--http", arguments.http)
    options = Options(
        smtp=parse_address("--smtp", arguments.smtp),
        http=http,
        data=Path(arguments.data),
        backend=arguments.backend,
        token=choose_token(arguments.token, http),
    )
    try:
        return supervisor.run(options, dict(os.environ), say)
    except TimeoutError as error:
        raise ConfigError("a process did not start in time") from error
