"""Every read of DynamoDB is consistent: moto does not show what an inconsistent one would do.

The calls are found in the source; the contract suite sees them happen (`support.adapters.require_consistent_reads`).
"""

import ast
from pathlib import Path

import pytest
from moto import mock_aws

from mailscribe.store.aws import dynamodb
from mailscribe.store.aws.calls import dynamodb_client
from support.adapters import TABLE, make_table, require_consistent_reads

ROOT = Path(__file__).parents[2]
SOURCES = [
    path for folder in ("layers/core", "functions", "local", "frontend") for path in (ROOT / folder).rglob("*.py")
]
ADAPTER = Path(dynamodb.__file__)
METHODS = {"get_item", "batch_get_item", "scan", "transact_get_items", "execute_statement"}
"""Reads whose names no other object here has; `query` is looked for in the adapter alone."""


def calls(path: Path, names: set[str]) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    ]


def test_only_the_adapter_reads_the_table() -> None:
    assert SOURCES
    reading = {path for path in SOURCES if path != ADAPTER and calls(path, METHODS)}
    assert reading == set()


def test_the_adapter_reads_by_two_operations_only() -> None:
    used = {node.func.attr for node in calls(ADAPTER, METHODS | {"query"}) if isinstance(node.func, ast.Attribute)}
    assert used == {"batch_get_item", "query"}


def test_both_say_that_they_are_consistent() -> None:
    tree = ast.parse(ADAPTER.read_text(encoding="utf-8"))
    said = [
        isinstance(value, ast.Constant) and value.value is True
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "ConsistentRead"
    ]
    assert said == [True, True]


def test_the_contract_suite_would_see_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    with mock_aws():
        client = dynamodb_client()
        make_table(client)
        client.get_item(TableName=TABLE, Key=key)
        require_consistent_reads(client)
        client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        with pytest.raises((AssertionError, KeyError)):
            client.get_item(TableName=TABLE, Key=key)
        with pytest.raises((AssertionError, KeyError)):
            client.batch_get_item(RequestItems={TABLE: {"Keys": [key]}})
        with pytest.raises(AssertionError):
            client.scan(TableName=TABLE, ConsistentRead=False)
