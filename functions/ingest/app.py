"""The ingest function: a batch of SQS messages, each an S3 notification, to `Ingest`; on schedule, to `LostSessions`.

Thin: it unwraps the two envelopes, sets the order, and reports per SQS message what has to come again. One
message that cannot be handled never holds up the others; one that is no S3 notification at all goes to the
dead-letter queue by way of its retries. The schedule's event is `{"task": "close-lost-sessions"}`; any other event
is an error. Nothing is built and no environment is read before the first call.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_plus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes import S3Event
from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mailscribe import settings
from mailscribe.errors import StoreError
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.ingest import ABANDON_AT, Ingest, ObjectCreated, Outcome
from mailscribe.service.lost import LostSessions
from mailscribe.service.upkeep import Nudging
from mailscribe.store.aws.calls import dynamodb_client, events_client, s3_client, sqs_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.aws.events import EventBridgeEvents
from mailscribe.store.aws.nudge import SqsNudges
from mailscribe.store.aws.s3 import S3Objects

type Handler = Callable[[dict[str, Any], object], dict[str, Any]]

TEST_EVENT: Final = "s3:TestEvent"
CREATED: Final = "ObjectCreated:"

logger = Logger(service="ingest")


@dataclass(frozen=True, slots=True)
class UseCases:
    """What events are handed to."""

    ingest: Ingest
    lost: LostSessions
    nudging: Nudging | None = None


def create_handler(use_cases: Callable[[], UseCases]) -> Handler:
    """A Lambda handler over `use_cases`, which is called at the first event and answers the same object each time."""

    def handle(record: SQSRecord) -> None:
        try:
            created = list(_objects(record))
        except Exception:
            logger.exception("no S3 notification", extra={"message_id": record.message_id})
            raise
        _handle(use_cases(), created)

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
        match event:
            case {"Records": list(records)}:
                processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
                with processor(records=in_order(records), handler=handle):
                    processor.process()
                return dict(processor.response())
            case {"task": "close-lost-sessions"}:
                return {"closed": _close_lost(use_cases().lost)}
            case _:
                raise ValueError(f"neither a batch of SQS nor a task: {sorted(event)}")

    return handler


def in_order(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The batch in the order that loses least when one message kills the worker.

    First what will not be parsed any more, then what comes for the first time, then what came before, backwards:
    what stood behind a killer then stands before it, and only the killer itself reaches its third receive.
    """
    by_count: dict[int, list[dict[str, Any]]] = {0: [], 1: [], 2: []}
    for record in records:
        count = int(record["attributes"]["ApproximateReceiveCount"])
        by_count[0 if count >= ABANDON_AT else 1 if count == 1 else 2].append(record)
    return by_count[0] + by_count[1] + by_count[2][::-1]


def _handle(use_cases: UseCases, objects: list[ObjectCreated]) -> None:
    """Every object of one SQS message; the first error is raised when all have had their turn."""
    errors: list[Exception] = []
    for created in objects:
        try:
            outcome = use_cases.ingest.handle(created)
        except Exception as error:
            logger.exception("not ingested, to come again", extra={"key": created.key})
            errors.append(error)
        else:
            logger.info("ingested", extra={"key": created.key, "outcome": outcome.name})
            if outcome is Outcome.STORED and use_cases.nudging is not None:
                _nudge(use_cases.nudging)
    if errors:
        raise errors[0]


def _nudge(nudging: Nudging) -> None:
    try:
        nudging.stored(1)
    except StoreError:
        logger.exception("the seal function is not nudged; it comes each minute all the same")


def _close_lost(lost: LostSessions) -> int:
    closed = lost.close_lost(now_ms())
    if closed:
        logger.info("closed as lost", extra={"sessions": closed})
    return closed


def _objects(record: SQSRecord) -> Iterator[ObjectCreated]:
    body = record.json_body
    if body.get("Event") == TEST_EVENT:
        return
    count = int(record.attributes.approximate_receive_count)
    for entry in S3Event(body).records:
        if entry.event_name.startswith(CREATED):
            yield _created(entry, count)


def _created(entry: S3EventRecord, receive_count: int) -> ObjectCreated:
    found = entry.s3.get_object
    return ObjectCreated(
        key=unquote_plus(found.key),
        size=found.size,
        at_ms=round(datetime.fromisoformat(entry.event_time).timestamp() * 1000),
        receive_count=receive_count,
        etag=found.etag,
    )


@cache
def from_environment() -> UseCases:
    """Over S3, DynamoDB and, when a bus is named, EventBridge, as the environment says."""
    found = settings.load(os.environ)
    objects, records = S3Objects(s3_client(), found.bucket), DynamoRecords(dynamodb_client(), found.table)
    events = EventBridgeEvents(events_client(), found.event_bus) if found.event_bus else None
    ingest = Ingest(objects, records, events, found, clock_ms=now_ms, new_commit=UlidFactory())
    nudging = Nudging(SqsNudges(sqs_client(), found.seal_queue), clock_ms=now_ms) if found.seal_queue else None
    return UseCases(ingest, LostSessions(ingest, objects, records, found), nudging)


handler: Handler = create_handler(from_environment)
