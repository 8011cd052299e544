"""`mailscribe delete`: messages by id, or all that match a query.

Of a query, what is deleted is what was counted: a person at a terminal is told the number and asked, a script gives
`--yes` (any number) or `--confirm N` (that number and no other). Exit code 1 when something was not there, when the
number is another, or when the person says no.
"""

import argparse
import sys

from mailscribe.errors import ConfigError
from mailscribe_local.cli.arguments import whole_number
from mailscribe_local.cli.client import Client
from mailscribe_local.cli.errors import NEGATIVE, OK, Negative
from mailscribe_local.cli.output import say


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("ids", nargs="*", metavar="ID", help="of messages")
    parser.add_argument("--query", metavar="QUERY", help="all that match; see `mailscribe search --help`")
    sure = parser.add_mutually_exclusive_group()
    sure.add_argument("--yes", action="store_true", help="however many match")
    sure.add_argument("--confirm", type=whole_number, metavar="N", help="if so many match")
    parser.epilog = "Exit code 1 when something was not there or another number matched."
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when all that was asked for is gone."""
    if bool(arguments.ids) == (arguments.query is not None):
        raise ConfigError("ids of messages, or --query")
    if arguments.query is None and (arguments.yes or arguments.confirm):
        raise ConfigError("--yes and --confirm go with --query")
    client = Client()
    return _by_id(client, arguments.ids) if arguments.ids else _by_query(client, arguments)


def _by_id(client: Client, ids: list[str]) -> int:
    deleted = 0
    for ulid in ids:
        try:
            deleted += client.delete(f"/v1/messages/{ulid}")["deleted"]
        except Negative:
            say(f"{ulid}: there is no such message")
    print(f"{deleted} deleted")
    return OK if deleted == len(ids) else NEGATIVE


def _by_query(client: Client, arguments: argparse.Namespace) -> int:
    confirm = "all" if arguments.yes else str(arguments.confirm or "")
    if not confirm:
        count = client.get_json("/v1/messages/count", {"q": arguments.query})["count"]
        if not sys.stdin.isatty():
            raise ConfigError(f"{count} match; say --yes, or --confirm {count}")
        if not count or input(f"delete {count} messages? [y/N] ").strip().lower() not in ("y", "yes"):
            say("nothing was deleted")
            return NEGATIVE
        confirm = str(count)
    deleted = client.delete("/v1/messages", {"q": arguments.query, "confirm": confirm})["deleted"]
    print(f"{deleted} deleted")
    return OK
