"""The core process of the local stack: what ingests the objects that the SMTP process stored, and the HTTP API.

With the embedded backend the journal is read; with moto, SQS is polled and the template's own functions run, the
ingest function on its schedule too. (Embedded needs none: each start of the SMTP process closes what was lost.) The
index is sealed in either, by a thread of its own, or by the function.
"""

import asyncio
import contextlib
import logging
import os
import sys
import threading
from typing import Final, Protocol

from mailscribe import settings as settings_table
from mailscribe.errors import StoreError
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.api import Api, Dependencies, create_api
from mailscribe.service.batch import BatchIngest
from mailscribe.service.commits import InTurn
from mailscribe.service.events import Feed, furthest_commit
from mailscribe.service.search import Search
from mailscribe.service.upkeep import Upkeep
from mailscribe.service.waits import Wake
from mailscribe_local.http import HttpHost
from mailscribe_local.stack.backend import open_objects, open_records
from mailscribe_local.stack.control import ChildConfig, Control, run_child
from mailscribe_local.stack.inbound import Inbound
from mailscribe_local.stack.options import Address
from mailscribe_local.stack.sealing import Sealing
from mailscribe_local.stack.worker import Worker, WorkerFiles

STOP_SECONDS: Final = 5.0
VISIBILITY_SECONDS: Final = 30
"""What a core process that was killed had received comes again after so long; deployed, the template says."""
SWEEP_SECONDS: Final = 5.0
"""Between two looks for lost sessions with moto; deployed, the template's schedule says."""
SEAL_SECONDS: Final = 60.0
"""Between two seals with moto; as the template's schedule says."""
OVERLAP_MS: Final = 1_000
"""Everything is committed in turn, so the feed is in order; it may be read while an hour's partition ends."""


class Ingesting(Protocol):
    """What feeds ingest: the journal's worker or the queue's poller."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self, seconds: float) -> None:
        """Finish what is in hand and end."""
        ...


async def main(config: ChildConfig, control: Control) -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="core: %(message)s")
    wake = Wake()
    api, ingesting = (_moto if config.backend == "moto" else _embedded)(config, wake)
    host = HttpHost(api, wake)
    address = Address(*await host.start(config.listen.host, config.listen.port))
    try:
        control.ready(address)
        ingesting.start()  # last: what it ingests may kill this process, which has started all the same
        await control.stopped()
    finally:
        await host.stop()
        await asyncio.to_thread(ingesting.stop, STOP_SECONDS)


def _embedded(config: ChildConfig, wake: Wake) -> tuple[Api, Ingesting]:
    settings = settings_table.load(os.environ, **config.settings)
    objects, records = open_objects(config.folder), open_records(config.folder)
    worker_records = open_records(config.folder, deferred=True)
    new_commit = InTurn(UlidFactory(after=furthest_commit(records, now_ms())))
    ingest = BatchIngest(objects, worker_records, settings, clock_ms=now_ms, new_commit=new_commit)
    files = WorkerFiles(config.folder)
    files.inbound.mkdir(mode=0o700, parents=True, exist_ok=True)
    sealing = Sealing(Upkeep(objects, records, settings, clock_ms=now_ms, new_id=UlidFactory()))
    worker = Worker(
        files,
        ingest,
        Inbound(objects),
        wake_fd=config.wake_fd,
        ingested=sealing.rings(wake.ring),
        sync=worker_records.sync,
    )
    search = Search(records, objects, settings, overlap_ms=OVERLAP_MS)
    threading.Thread(target=_warm, args=(search,), name="warm-up", daemon=True).start()
    feed = Feed(records, objects, overlap_ms=0)
    dependencies = Dependencies(
        settings=settings, records=records, objects=objects, search=search, feed=feed, new_commit=new_commit
    )
    return create_api(dependencies), _All(worker, sealing)


def _warm(search: Search) -> None:
    """Load what search keeps in memory, so that the first caller need not wait for it."""
    with contextlib.suppress(StoreError):  # the first caller will be told
        search.refresh()


def _moto(config: ChildConfig, wake: Wake) -> tuple[Api, Ingesting]:
    from mailscribe_local.deploy import load_function  # noqa: PLC0415 - only this backend imports boto3
    from mailscribe_local.schedule import CLOSE_LOST, SEAL, Schedule, one_at_a_time  # noqa: PLC0415
    from mailscribe_local.sqs_poller import QueuePoller  # noqa: PLC0415

    os.environ.update(settings_table.to_environ(config.settings))
    api: Api = load_function("api").from_environment()
    handler, sealing = one_at_a_time(load_function("ingest").handler, load_function("seal").handler)
    poller = QueuePoller(handler, config.queue_url, after_batch=wake.ring, visibility=VISIBILITY_SECONDS)
    sweep = Schedule(handler, CLOSE_LOST, seconds=SWEEP_SECONDS, after=wake.ring)
    seal = Schedule(sealing, SEAL, seconds=SEAL_SECONDS, after=wake.ring)
    return api, _All(poller, sweep, seal)


class _All:
    """Some that work side by side."""

    def __init__(self, *parts: Ingesting) -> None:
        self._parts = parts

    def start(self) -> None:
        for part in self._parts:
            part.start()

    def stop(self, seconds: float) -> None:
        for part in self._parts:
            part.stop(seconds)


if __name__ == "__main__":
    sys.exit(run_child(main))
