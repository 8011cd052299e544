"""`mailscribe wait QUERY`: the first message that matches, as soon as it is readable.

Mail that became readable in the last 15 minutes counts, so that a script may send first and wait after.
"""

import argparse
import json
import time
from typing import Final

from mailscribe_local.cli.client import Client
from mailscribe_local.cli.output import say, write_json
from mailscribe_local.cli.reading import message_table

_LONGEST_CALL: Final = 25


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("wait", help="wait for a message that matches a query")
    parser.add_argument("query", metavar="QUERY")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="(%(default)g)")
    parser.add_argument("--since", default="15m", help="how far back mail counts (%(default)s)")
    parser.add_argument("--count", type=int, default=1, help="how many must match (%(default)s)")
    parser.add_argument("--json", action="store_true", help="full records as JSON lines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 and the messages, or 1 at the time-out."""
    client, end = Client(), time.monotonic() + max(arguments.timeout, 0.0)
    while True:
        left = end - time.monotonic()
        body = client.get(
            "/v1/messages/wait",
            {
                "q": arguments.query,
                "since": arguments.since,
                "count": str(arguments.count),
                "timeout": str(int(min(max(left, 0.0), _LONGEST_CALL))),
            },
        )
        if body:
            messages = json.loads(body)["messages"]
            break
        if left <= 1:
            say(f"nothing matched within {arguments.timeout:g} s")
            return 1
    if arguments.json:
        for message in messages:
            write_json(message)
    else:
        message_table(messages)
    return 0
