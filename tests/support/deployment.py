"""A bucket and a table on moto, and a function of functions/ over them, for the functional tests."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from mailscribe.store.aws.calls import dynamodb_client, s3_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.aws.s3 import S3Objects
from mailscribe_local.deploy import load_function
from support.adapters import TABLE, make_table, require_consistent_reads

ROOT = Path(__file__).parents[2]
BUCKET = "mailscribe-example"


def load_event(name: str) -> dict[str, Any]:
    """One of events/*.json."""
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


class Deployment:
    """Bucket, table, and the function's file, loaded anew as Lambda would. Inside `mock_aws` only."""

    def __init__(self, function: str) -> None:
        self.s3 = s3_client()
        self.s3.create_bucket(Bucket=BUCKET)
        client = dynamodb_client()
        make_table(client)
        require_consistent_reads(client)
        self.objects = S3Objects(self.s3, BUCKET)
        self.records = DynamoRecords(client, TABLE)
        self.app: ModuleType = load_function(function)
