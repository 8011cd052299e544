"""The seal function: each minute, and when much has come, the tail goes into segments; once a day it clears up.

Thin. The schedules' events are `{"task": "seal"}` and `{"task": "sweep"}`; a nudge is an SQS message of the FIFO queue
that ingest sends to, and means: only if much waits. An operator sends `{"task": "reindex"}`, which begins one (or, with
`"abandon": true`, ends it); each minute then goes on with it for a while. Any other event is an error. What raises
comes again with the next minute. Nothing is built and no environment is read before the first call.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

from aws_lambda_powertools import Logger

from mailscribe import settings
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.ingest import Ingest
from mailscribe.service.reindex import Reindex
from mailscribe.service.upkeep import MUCH, Upkeep
from mailscribe.store.aws.calls import dynamodb_client, s3_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.aws.s3 import S3Objects

type Handler = Callable[[dict[str, Any], object], dict[str, Any]]

REINDEX_SECONDS: Final = 45.0
"""How long each minute goes on with a reindex."""

logger = Logger(service="seal")


@dataclass(frozen=True, slots=True)
class UseCases:
    """What events are handed to."""

    upkeep: Upkeep
    reindex: Reindex


def create_handler(cases: Callable[[], UseCases]) -> Handler:
    """A Lambda handler over `cases`, which is called at the first event and answers the same object each time."""

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
        match event:
            case {"task": "seal"}:
                done = asdict(cases().upkeep.round()) | _go_on(cases().reindex)
            case {"task": "sweep"}:
                done = {"swept": cases().upkeep.sweep()}
            case {"task": "reindex", "abandon": True}:
                done = {"abandoned": cases().reindex.abandon()}
            case {"task": "reindex"}:
                done = {"begun": cases().reindex.begin()}
            case {"Records": list()}:
                done = asdict(cases().upkeep.round(at_least=MUCH))
            case _:
                raise ValueError(f"neither a task nor a nudge: {sorted(event)}")
        if any(done.values()):
            logger.info("done", extra=done)
        return done

    return handler


def _go_on(reindex: Reindex) -> dict[str, Any]:
    """Go on with a reindex that is under way for a while; how far it is."""
    end = time.monotonic() + REINDEX_SECONDS
    if reindex.progress() is None:
        return {}
    while time.monotonic() < end and reindex.step():
        pass
    progress = reindex.progress()
    return {"reindex": "done" if progress is None else progress.after}


@cache
def from_environment() -> UseCases:
    """Over S3 and DynamoDB, as the environment says. What reindex ingests, ingest will find and publish."""
    found = settings.load(os.environ)
    objects, records = S3Objects(s3_client(), found.bucket), DynamoRecords(dynamodb_client(), found.table)
    new_id = UlidFactory()
    ingest = Ingest(objects, records, None, found, clock_ms=now_ms, new_commit=UlidFactory())
    return UseCases(
        Upkeep(objects, records, found, clock_ms=now_ms, new_id=new_id),
        Reindex(objects, records, found, clock_ms=now_ms, new_id=new_id, ingest=ingest),
    )


handler: Handler = create_handler(from_environment)
