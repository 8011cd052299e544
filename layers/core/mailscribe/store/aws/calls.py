"""How AWS is called: clients with bounded waits, and every botocore error turned into one of ours.

A call returns or raises within attempts times (connect + read time-out) plus botocore's back-off. Nothing of botocore
leaves this package: what AWS refuses for the shape of the request is the caller's `ValueError`; everything else
(network, throttling, permissions, a missing bucket or table) is `StoreUnavailable`. Endpoint, region and
credentials are boto3's own business (AWS_ENDPOINT_URL, AWS_REGION, …).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from mailscribe.errors import ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

type Service = Literal["s3", "dynamodb", "events", "sqs"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a service is tried; seconds."""

    connect: float
    read: float
    attempts: int


PATIENCE: Final[dict[Service, Patience]] = {
    "s3": Patience(2, 20, 3),
    "dynamodb": Patience(1, 2, 3),
    "events": Patience(1, 5, 3),
    "sqs": Patience(1, 3, 2),
}
CONNECTIONS: Final = 32
"""Connections kept per client: as many threads may call at once without waiting."""

REFUSED: Final = frozenset({"ValidationException", "ValidationError", "InvalidArgument", "KeyTooLongError"})
"""Codes that mean: this request can never succeed."""


def config(service: Service) -> Config:
    """Time-outs and retries of a service."""
    patience = PATIENCE[service]
    return Config(
        connect_timeout=patience.connect,
        read_timeout=patience.read,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
    )


def s3_client() -> "S3Client":
    """A client of S3. Raises `ConfigError`."""
    with _config_errors("s3"):
        return boto3.client("s3", config=config("s3"))


def dynamodb_client() -> "DynamoDBClient":
    """A client of DynamoDB. Raises `ConfigError`."""
    with _config_errors("dynamodb"):
        return boto3.client("dynamodb", config=config("dynamodb"))


def events_client() -> "EventBridgeClient":
    """A client of EventBridge. Raises `ConfigError`."""
    with _config_errors("events"):
        return boto3.client("events", config=config("events"))


def sqs_client() -> "SQSClient":
    """A client of SQS. Raises `ConfigError`."""
    with _config_errors("sqs"):
        return boto3.client("sqs", config=config("sqs"))


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn botocore's errors of the body into ours; `doing` goes to the operator's log."""
    try:
        yield
    except ParamValidationError as error:
        raise ValueError(f"{doing}: {error}") from error
    except ClientError as error:
        if error_code(error) in REFUSED:
            raise ValueError(f"{doing}: {error}") from error
        raise StoreUnavailable(f"{doing}: {error}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"{doing}: {error}") from error


def error_code(error: ClientError) -> str:
    """The code that AWS gave, "" when it gave none."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def _config_errors(service: Service) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"no AWS client for {service}: {error}") from error
