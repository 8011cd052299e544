"""Every adapter of the two store ports, made fresh for a test: what the contract suites run over.

The DynamoDB client here refuses a read that is not consistent. Calls to moto come one at a time: when a transaction
fails it takes the table's old state back, whatever others have written meanwhile, and it closes an object's content
when it is replaced, whoever reads it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from moto import mock_aws

from mailscribe.store.aws.calls import dynamodb_client, s3_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.aws.s3 import S3Objects
from mailscribe.store.ports import Objects, Records
from mailscribe_local.files import FileObjects
from mailscribe_local.sqlite import SqliteRecords
from support.faults import Faults, FaultyObjects, FaultyRecords
from support.stores import MemoryObjects, MemoryRecords

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BUCKET = "mailscribe-test"
TABLE = "mailscribe-test"
READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})


class Clock:
    """A clock that moves when the test says so; milliseconds since 1970."""

    def __init__(self, ms: int = 1_700_000_000_000) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms

    @property
    def seconds(self) -> int:
        return self.ms // 1000


type MakeObjects = Callable[[Path], AbstractContextManager[Objects]]
type MakeRecords = Callable[[Path, Clock], AbstractContextManager[Records]]


@contextmanager
def s3_objects(folder: Path) -> Iterator[Objects]:
    """An empty bucket on moto."""
    with mock_aws():
        client = s3_client()
        client.create_bucket(Bucket=BUCKET)
        yield FaultyObjects(S3Objects(client, BUCKET), Serial())


@contextmanager
def file_objects(folder: Path) -> Iterator[Objects]:
    yield FileObjects(folder / "objects")


@contextmanager
def memory_objects(folder: Path) -> Iterator[Objects]:
    yield MemoryObjects()


@contextmanager
def wrapped_objects(folder: Path) -> Iterator[Objects]:
    yield FaultyObjects(MemoryObjects())


OBJECTS: dict[str, MakeObjects] = {
    "memory": memory_objects,
    "wrapped": wrapped_objects,
    "files": file_objects,
    "s3": s3_objects,
}


def make_table(client: "DynamoDBClient") -> None:
    """The table as template.yaml has it."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )


def require_consistent_reads(client: "DynamoDBClient") -> None:
    """Make every read without ConsistentRead an error of the test."""

    def check(params: dict[str, object], model: object, **_: object) -> None:
        operation = getattr(model, "name", "")
        if operation in READS:
            requests = params.get("RequestItems")
            reads = list(requests.values()) if isinstance(requests, dict) else [params]
            assert all(read["ConsistentRead"] is True for read in reads), f"{operation} is not consistent"

    client.meta.events.register("provide-client-params.dynamodb", check)


class Serial(Faults):
    """No fault at all, but one call at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        with self._lock:
            yield


@contextmanager
def dynamo_records(folder: Path, clock: Clock) -> Iterator[Records]:
    """An empty table on moto."""
    with mock_aws():
        client = dynamodb_client()
        make_table(client)
        require_consistent_reads(client)
        yield FaultyRecords(DynamoRecords(client, TABLE, clock_ms=clock), Serial())


@contextmanager
def sqlite_records(folder: Path, clock: Clock) -> Iterator[Records]:
    records = SqliteRecords(folder / "data" / "records.sqlite", clock_ms=clock)
    try:
        yield records
    finally:
        records.close()


@contextmanager
def deferred_records(folder: Path, clock: Clock) -> Iterator[Records]:
    records = SqliteRecords(folder / "data" / "records.sqlite", clock_ms=clock, deferred=True)
    try:
        yield records
    finally:
        records.close()


@contextmanager
def memory_records(folder: Path, clock: Clock) -> Iterator[Records]:
    yield MemoryRecords(clock)


@contextmanager
def wrapped_records(folder: Path, clock: Clock) -> Iterator[Records]:
    yield FaultyRecords(MemoryRecords(clock))


RECORDS: dict[str, MakeRecords] = {
    "memory": memory_records,
    "wrapped": wrapped_records,
    "sqlite": sqlite_records,
    "deferred": deferred_records,
    "dynamodb": dynamo_records,
}
