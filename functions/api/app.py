"""The API function: an HTTP API event in payload format 2.0 to `create_api`, its answer back.

Thin. Nothing is built and no environment is read before the first call.
"""

import os
from collections.abc import Callable
from functools import cache

from mailscribe import settings
from mailscribe.service.api import Api, Dependencies, Payload, create_api
from mailscribe.store.aws.calls import dynamodb_client, s3_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.aws.links import S3Links
from mailscribe.store.aws.s3 import S3Objects

type Handler = Callable[[Payload, object], Payload]


def create_handler(api: Callable[[], Api]) -> Handler:
    """A Lambda handler over `api`, which is called at the first event and answers the same object each time."""

    def handler(event: Payload, context: object) -> Payload:
        return api()(event, context)

    return handler


@cache
def from_environment() -> Api:
    """The API over S3 and DynamoDB, as the environment says."""
    found = settings.load(os.environ)
    return create_api(
        Dependencies(
            settings=found,
            records=DynamoRecords(dynamodb_client(), found.table),
            objects=S3Objects(s3_client(), found.bucket),
            links=S3Links(found.bucket),
        )
    )


handler: Handler = create_handler(from_environment)
