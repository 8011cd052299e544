"""What Lambda's event source mapping does, for the local stack: SQS batches to a handler, deletes of what it did.

A message is deleted only when the handler's partial batch response does not name it. What failed, and what a
killed process held, comes again when its visibility time-out ends, and goes to the dead-letter queue when it came
too often. A handler that raises, or that names an unknown message, has failed the whole batch.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailscribe_local.deploy import Handler

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH: Final = 10
WAIT_SECONDS: Final = 1
PAUSE_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class QueuePoller(threading.Thread):
    """Feeds a handler from a queue until stopped; `after_batch` is called after each batch that the handler had.

    `visibility` (seconds) replaces the queue's own time-out, so that a failed message comes again sooner.
    """

    def __init__(
        self, handler: Handler, queue_url: str, *, after_batch: Callable[[], None], visibility: int | None = None
    ) -> None:
        super().__init__(name="queue-poller", daemon=True)
        self._handler = handler
        self._queue_url = queue_url
        self._after_batch = after_batch
        self._visibility = visibility
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        run_ingest(
            self._handler, self._queue_url, self._stopping, after_batch=self._after_batch, visibility=self._visibility
        )

    def stop(self, seconds: float) -> None:
        """Finish the batch in hand and end, or give up waiting for that after `seconds`."""
        self._stopping.set()
        self.join(seconds)


def run_ingest(
    handler: Handler,
    queue_url: str,
    stop: threading.Event,
    *,
    after_batch: Callable[[], None] = lambda: None,
    visibility: int | None = None,
) -> None:
    """Receive, hand over, delete, until `stop` is set. A queue that does not answer is asked again."""
    with closing(boto3.client("sqs")) as client:
        while not stop.is_set():
            try:
                worked = work_once(client, handler, queue_url, visibility=visibility)
            except (BotoCoreError, ClientError) as error:
                if not stop.is_set():
                    _log.warning("queue: %s", error)
                stop.wait(PAUSE_SECONDS)
                continue
            if worked:
                after_batch()


def work_once(client: "SQSClient", handler: Handler, queue_url: str, *, visibility: int | None = None) -> int:
    """One batch: the number of messages received. Raises what the SQS client raises."""
    options: Any = {} if visibility is None else {"VisibilityTimeout": visibility}
    messages = client.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=BATCH,
        WaitTimeSeconds=WAIT_SECONDS,
        MessageSystemAttributeNames=["All"],
        **options,
    ).get("Messages", [])
    if messages:
        failed = _failures(handler, lambda_event(messages, queue_url), {message["MessageId"] for message in messages})
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            client.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done)
                ],
            )
    return len(messages)


def lambda_event(messages: list["MessageTypeDef"], queue_url: str) -> dict[str, Any]:
    """The event that Lambda makes of received messages."""
    account, name = queue_url.rsplit("/", 2)[1:]
    arn = f"arn:aws:sqs:us-east-1:{account}:{name}"
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message["Attributes"]),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]
    }


def _failures(handler: Handler, event: dict[str, Any], every: set[str]) -> set[str]:
    """Ids of the messages that must come again."""
    try:
        answer = handler(event, None)
    except Exception:  # noqa: BLE001 - whatever the function raises fails its batch, as on Lambda
        _log.exception("the ingest function failed")
        return every
    failed = {str(entry.get("itemIdentifier", "")) for entry in answer.get("batchItemFailures", [])}
    return every if failed - every else failed
