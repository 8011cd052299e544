"""DynamoRecords where moto cannot lead: throttling, conflicts, cut-off batches; answers as AWS documents them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from mailscribe.errors import ConditionFailed, StoreUnavailable
from mailscribe.store.aws import dynamodb
from mailscribe.store.aws.calls import dynamodb_client
from mailscribe.store.aws.dynamodb import TRIES, DynamoRecords
from mailscribe.store.ports import Absent, Check, Delete, Equals, Item, Key, Present, Put, Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES: list[Write] = [Put(Item("p", "a", b"x"), Absent()), Check(Key("p", "b"), Present())]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> "DynamoDBClient":
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return dynamodb_client()


@pytest.fixture
def stub(client: "DynamoDBClient") -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def records(client: "DynamoDBClient", stub: Stubber, pauses: list[float]) -> DynamoRecords:
    return DynamoRecords(client, "t", clock_ms=lambda: 5_999, pause=pauses.append, chance=lambda: 0.5)


def cancelled(stub: Stubber, *codes: str) -> None:
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons",
        400,
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


def attributes(sk: str, **more: dict[str, str]) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}, "data": {"B": b"x"}, "version": {"N": "0"}, **more}


def test_the_failed_conditions_are_named(records: DynamoRecords, stub: Stubber) -> None:
    cancelled(stub, "None", "ConditionalCheckFailed")
    with pytest.raises(ConditionFailed) as caught:
        records.transact(WRITES)
    assert caught.value.failed == (1,)


def test_a_conflict_is_tried_again(records: DynamoRecords, stub: Stubber, pauses: list[float]) -> None:
    cancelled(stub, "TransactionConflict", "None")
    cancelled(stub, "TransactionConflict", "ConditionalCheckFailed")
    stub.add_response("transact_write_items", {})
    records.transact(WRITES)
    assert pauses == [0.0, 0.02, 0.04]


def test_conflicts_without_end_are_given_up(records: DynamoRecords, stub: Stubber, pauses: list[float]) -> None:
    for _ in range(TRIES):
        cancelled(stub, "None", "TransactionConflict")
    with pytest.raises(StoreUnavailable, match="conflict"):
        records.transact(WRITES)
    assert len(pauses) == TRIES
    assert pauses == sorted(pauses)


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "ItemCollectionSizeLimitExceeded"]
)
def test_other_reasons_are_for_later(records: DynamoRecords, stub: Stubber, code: str) -> None:
    cancelled(stub, "None", code)
    with pytest.raises(StoreUnavailable):
        records.transact(WRITES)


def test_a_reason_that_will_never_pass(records: DynamoRecords, stub: Stubber) -> None:
    cancelled(stub, "None", "ValidationError")
    with pytest.raises(ValueError, match="transact"):
        records.transact(WRITES)


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError",
        "TransactionInProgressException", "ResourceNotFoundException", "AccessDeniedException",
        "UnrecognizedClientException", "ExpiredTokenException",
    ],
)  # fmt: skip
def test_what_aws_answers_instead(records: DynamoRecords, stub: Stubber, code: str) -> None:
    for operation in ("batch_get_item", "query", "transact_write_items"):
        stub.add_client_error(operation, code)
    with pytest.raises(StoreUnavailable):
        records.get_many([Key("p", "a")])
    with pytest.raises(StoreUnavailable):
        records.query("p")
    with pytest.raises(StoreUnavailable):
        records.transact(WRITES)


def test_a_request_of_the_wrong_shape_is_ours_to_mend(records: DynamoRecords, stub: Stubber) -> None:
    stub.add_client_error("query", "ValidationException")
    with pytest.raises(ValueError, match="query p"):
        records.query("p")


@pytest.mark.parametrize(
    "error", [EndpointConnectionError(endpoint_url="http://x"), ReadTimeoutError(endpoint_url="http://x")]
)
def test_a_network_that_fails(client: "DynamoDBClient", error: Exception) -> None:
    def fail(**_: object) -> None:
        raise error

    records = DynamoRecords(client, "t")
    client.meta.events.register_first("before-call.dynamodb", fail)
    with pytest.raises(StoreUnavailable) as caught:
        records.query("p")
    assert caught.value.__cause__ is error


def test_a_batch_that_is_cut_off_goes_on(records: DynamoRecords, stub: Stubber, pauses: list[float]) -> None:
    def request(*names: str) -> dict[str, Any]:
        keys = [{"pk": {"S": "p"}, "sk": {"S": name}} for name in names]
        return {"t": {"Keys": keys, "ConsistentRead": True}}

    answers = [(["a", "b", "c"], ["b"], ["a", "c"]), (["a", "c"], [], ["a", "c"]), (["a", "c"], ["c", "a"], [])]
    for asked, found, left in answers:
        unprocessed = request(*left) if left else {}
        stub.add_response(
            "batch_get_item",
            {"Responses": {"t": [attributes(name) for name in found]}, "UnprocessedKeys": unprocessed},
            {"RequestItems": request(*asked)},
        )
    keys = [Key("p", name) for name in "abc"]
    assert [item.sk for item in records.get_many(keys)] == ["a", "b", "c"]
    assert pauses == [0.0, 0.0, 0.02]


def test_a_batch_without_progress_is_given_up(records: DynamoRecords, stub: Stubber, pauses: list[float]) -> None:
    left = {"t": {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "a"}}]}}
    for _ in range(TRIES):
        stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})
    with pytest.raises(StoreUnavailable, match="throttled"):
        records.get_many([Key("p", "a")])
    assert len(pauses) == TRIES


def test_a_query_goes_on_over_empty_pages(records: DynamoRecords, stub: Stubber) -> None:
    """A page may end before it holds one living item."""
    common = {
        "TableName": "t",
        "KeyConditionExpression": "#p = :p AND #s BETWEEN :start AND :end",
        "ExpressionAttributeNames": {"#p": "pk", "#s": "sk"},
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":start": {"S": "a"}, ":end": {"S": "d"}},
        "ConsistentRead": True,
        "ScanIndexForward": True,
    }
    last = {"pk": {"S": "p"}, "sk": {"S": "a"}}
    stub.add_response("query", {"Items": [], "LastEvaluatedKey": last}, {**common, "Limit": 3})
    expired = attributes("b", expires={"N": "5"})
    stub.add_response(
        "query", {"Items": [expired], "LastEvaluatedKey": last}, {**common, "Limit": 3, "ExclusiveStartKey": last}
    )
    stub.add_response(
        "query", {"Items": [attributes("c"), attributes("d")]}, {**common, "Limit": 3, "ExclusiveStartKey": last}
    )
    assert [item.sk for item in records.query("p", start="a", end="d", limit=2)] == ["c"]


def test_the_requests_of_a_transaction(records: DynamoRecords, stub: Stubber) -> None:
    names = {"#e": "expires"}
    now = {":now": {"N": "5"}}
    key = {"pk": {"S": "p"}, "sk": {"S": "a"}}
    stub.add_response(
        "transact_write_items",
        {},
        {
            "TransactItems": [
                {"Put": {"TableName": "t", "Item": attributes("plain", expires={"N": "9"})}},
                {
                    "Put": {
                        "TableName": "t",
                        "Item": attributes("new"),
                        "ConditionExpression": "attribute_not_exists(#p) OR #e <= :now",
                        "ExpressionAttributeNames": {"#p": "pk", **names},
                        "ExpressionAttributeValues": now,
                    }
                },
                {
                    "Delete": {
                        "TableName": "t",
                        "Key": key,
                        "ConditionExpression": "#v = :v AND (attribute_not_exists(#e) OR #e > :now)",
                        "ExpressionAttributeNames": {"#v": "version", **names},
                        "ExpressionAttributeValues": {":v": {"N": "7"}, **now},
                    }
                },
                {
                    "ConditionCheck": {
                        "TableName": "t",
                        "Key": {"pk": {"S": "p"}, "sk": {"S": "b"}},
                        "ConditionExpression": "attribute_exists(#p) AND (attribute_not_exists(#e) OR #e > :now)",
                        "ExpressionAttributeNames": {"#p": "pk", **names},
                        "ExpressionAttributeValues": now,
                    }
                },
                {"Delete": {"TableName": "t", "Key": {"pk": {"S": "p"}, "sk": {"S": "c"}}}},
            ],
        },
    )
    records.transact(
        [
            Put(Item("p", "plain", b"x", expires=9)),
            Put(Item("p", "new", b"x"), Absent()),
            Delete(Key("p", "a"), Equals(7)),
            Check(Key("p", "b"), Present()),
            Delete(Key("p", "c")),
        ]
    )


def test_the_sdk_repeats_a_transaction_under_the_same_token(client: "DynamoDBClient") -> None:
    """Else a lost acknowledgement would be answered by the failed condition of the second try."""
    shape = client.meta.service_model.operation_model("TransactWriteItems")
    assert "ClientRequestToken" in shape.idempotent_members


def test_back_off_is_random_and_bounded(client: "DynamoDBClient") -> None:
    waits = list(DynamoRecords(client, "t")._waits())
    assert waits[0] == 0
    assert len(waits) == TRIES
    assert all(wait < dynamodb.PAUSE_S * 2**TRIES for wait in waits)
