"""The seal function: each minute, and when much has come, the tail goes into segments; once a day it clears up.

Thin. The schedules' events are `{"task": "seal"}` and `{"task": "sweep"}`; a nudge is an SQS message of the FIFO queue
that ingest sends to, and means: only if much waits. Any other event is an error. What raises comes again with the next
minute. Nothing is built and no environment is read before the first call.
"""

import os
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from mailscribe import settings
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.upkeep import MUCH, Upkeep
from mailscribe.store.aws.calls import dynamodb_client, s3_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.aws.s3 import S3Objects

type Handler = Callable[[dict[str, Any], object], dict[str, Any]]

logger = Logger(service="seal")


def create_handler(upkeep: Callable[[], Upkeep]) -> Handler:
    """A Lambda handler over `upkeep`, which is called at the first event and answers the same object each time."""

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
        match event:
            case {"task": "seal"}:
                done = asdict(upkeep().round())
            case {"task": "sweep"}:
                done = {"swept": upkeep().sweep()}
            case {"Records": list()}:
                done = asdict(upkeep().round(at_least=MUCH))
            case _:
                raise ValueError(f"neither a task nor a nudge: {sorted(event)}")
        if any(done.values()):
            logger.info("done", extra=done)
        return done

    return handler


@cache
def from_environment() -> Upkeep:
    """Over S3 and DynamoDB, as the environment says."""
    found = settings.load(os.environ)
    objects, records = S3Objects(s3_client(), found.bucket), DynamoRecords(dynamodb_client(), found.table)
    return Upkeep(objects, records, found, clock_ms=now_ms, new_id=UlidFactory())


handler: Handler = create_handler(from_environment)
