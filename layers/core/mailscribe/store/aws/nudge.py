"""Nudges to a FIFO queue, which takes one of a name for five minutes as the same one and hands over one at a time."""

from typing import TYPE_CHECKING, Final

from mailscribe.store.aws.calls import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

GROUP: Final = "seal"
"""All nudges are of one group: there is never more than one at work."""


class SqsNudges:
    """Sends to the queue at `url`."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, nudge: str) -> None:
        """Send a nudge; one of the same name just before is the same one. Raises `StoreUnavailable`."""
        with aws_errors("nudge the seal function"):
            self._client.send_message(
                QueueUrl=self._url, MessageBody=nudge, MessageGroupId=GROUP, MessageDeduplicationId=nudge
            )
