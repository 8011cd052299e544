"""`mailscribe wait QUERY`: the first message that matches, as soon as it is readable.

Mail that became readable in the last 15 minutes counts, so that a script may send first and wait after.
"""

import argparse
import math
import time
from typing import Final

from mailscribe_local.cli.arguments import seconds, whole_number
from mailscribe_local.cli.client import Client, read_document
from mailscribe_local.cli.errors import NEGATIVE, OK
from mailscribe_local.cli.listing import print_messages
from mailscribe_local.cli.output import say, write_json

_LONGEST_CALL: Final = 25.0
"""Seconds that the API holds one call at most."""


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("query", metavar="QUERY", help="which; see `mailscribe search --help`")
    parser.add_argument("--timeout", type=seconds, default=30.0, metavar="SECONDS", help="how long (%(default)g)")
    parser.add_argument(
        "--since", default="15m", metavar="WHEN", help="how far back mail counts: 90s, 2h, a date, an id (%(default)s)"
    )
    parser.add_argument("--count", type=whole_number, default=1, metavar="N", help="how many must match (%(default)s)")
    parser.add_argument("--json", action="store_true", help="whole records as JSON lines")
    parser.epilog = "Exit code 0 with the messages, 1 when the time is over."
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 and the messages, or 1 at the time-out."""
    client, end = Client(), time.monotonic() + arguments.timeout
    question = {"q": arguments.query, "since": arguments.since, "count": str(arguments.count)}
    while True:
        left = max(end - time.monotonic(), 0.0)
        this_call = min(math.ceil(left * 10) / 10, _LONGEST_CALL)
        body = client.get("/v1/messages/wait", question | {"timeout": f"{this_call:g}"})
        if body:
            break
        if left <= _LONGEST_CALL:
            say(f"nothing matched within {arguments.timeout:g} s")
            return NEGATIVE
    messages = read_document(body)["messages"]
    if arguments.json:
        for message in messages:
            write_json(message)
    else:
        print_messages(messages)
    return OK
