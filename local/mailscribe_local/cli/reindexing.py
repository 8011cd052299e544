"""`mailscribe reindex`: records and index of a data folder made anew from its objects, by this version's parser.

The system may run meanwhile; lists answer from the old index until the new one is whole. Where it does not run, objects
that have no record are ingested too: otherwise that is the running system's work. It goes on where it was ended.
"""

import argparse
import os
from contextlib import closing, nullcontext
from pathlib import Path

from mailscribe import settings as settings_table
from mailscribe.errors import ConfigError
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.events import furthest_commit
from mailscribe.service.ingest import Ingest
from mailscribe.service.reindex import Progress, Reindex
from mailscribe_local.cli.errors import OK
from mailscribe_local.cli.output import say
from mailscribe_local.stack.backend import RECORDS_FILE, open_objects, open_records
from mailscribe_local.stack.lock import DataLock


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--data", default=".mailscribe", metavar="DIR", help="data folder (%(default)s)")
    parser.add_argument("--abandon", action="store_true", help="give up one that was begun; the old index stays")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run it to its end, saying how far it is."""
    data = Path(arguments.data)
    if not (data / RECORDS_FILE).is_file():
        raise ConfigError(f"--data {data}: no data folder of mailscribe")
    try:
        lock: DataLock | None = DataLock(data)
    except ConfigError:
        lock = None
    with lock or nullcontext(), closing(open_records(data)) as records:
        objects, settings = open_objects(data), settings_table.load(os.environ)
        new_commit = UlidFactory(after=furthest_commit(records, now_ms()))
        ingest = Ingest(objects, records, None, settings, clock_ms=now_ms, new_commit=new_commit)
        work = Reindex(
            objects, records, settings, clock_ms=now_ms, new_id=UlidFactory(), ingest=None if lock is None else ingest
        )
        if arguments.abandon:
            say("given up" if work.abandon() else "none was under way")
            return OK
        if not work.begin():
            say("going on with one that was begun")
        return _work(work)


def _work(work: Reindex) -> int:
    last = Progress()
    while work.step():
        progress = work.progress()
        if progress is not None and progress.looked != last.looked:
            last = progress
            say(f"{last.looked} objects, at {last.after}")
    without = f", {last.missing} had no record" if last.missing else ""
    print(f"reindexed {last.looked} objects: {last.rewritten} records changed{without}")
    return OK
