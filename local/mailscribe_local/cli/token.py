"""`mailscribe token create`: a bearer token of the API, written into a stack's table with the operator's credentials.

The token is `ms_` and 256 random bits; it is printed once, and only its SHA-256 is stored. Without `--stack` the data
folder of this machine is written, whether `mailscribe up` runs on it or not.
"""

import argparse
import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe.records import TokenRecord
from mailscribe.store.items import pack, token_key
from mailscribe.store.ports import Absent, Put, Records
from mailscribe_local.cli.output import say
from mailscribe_local.stack.backend import RECORDS_FILE, open_records
from mailscribe_local.stack.options import new_token

_DURATION: Final = re.compile(r"([1-9]\d{0,4})([hd])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1)}


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add its one action and the options of that."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", title="actions")
    text = "make a token that reads everything, and print it, once"
    create = actions.add_parser("create", help=text, description=text)
    create.add_argument("--name", default="token", help="what it is for (%(default)s)")
    create.add_argument("--expires", metavar="DURATION", help="12h, 90d; never if left out")
    place = create.add_mutually_exclusive_group()
    place.add_argument("--stack", metavar="NAME", help="a deployed stack, with this machine's AWS credentials")
    place.add_argument("--data", default=".mailscribe", metavar="DIR", help="a data folder (%(default)s)")
    create.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the token's row, then print the token."""
    token, now = new_token(), datetime.now(UTC)
    expires_at = now + _duration(arguments.expires) if arguments.expires else None
    record = TokenRecord(name=arguments.name, scopes=("read",), created_at=now, expires_at=expires_at)
    with _records(arguments.stack, Path(arguments.data)) as records:
        records.transact([Put(pack(token_key(token), record), Absent())])
    say("this is shown once:")
    print(token)
    return 0


@contextlib.contextmanager
def _records(stack: str | None, data: Path) -> Iterator[Records]:
    if stack is None:
        if not (data / RECORDS_FILE).is_file():
            raise ConfigError(f"--data {data}: no data of mailscribe there")
        with contextlib.closing(open_records(data)) as records:
            yield records
        return
    from mailscribe.store.aws.calls import dynamodb_client  # noqa: PLC0415 - boto3 takes long to import
    from mailscribe.store.aws.dynamodb import DynamoRecords  # noqa: PLC0415
    from mailscribe_local.cli.stack_outputs import table_of  # noqa: PLC0415

    yield DynamoRecords(dynamodb_client(), table_of(stack))


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if not found:
        raise ConfigError(f"--expires {text}: a duration like 12h or 90d, please")
    return _UNITS[found[2]] * int(found[1])
