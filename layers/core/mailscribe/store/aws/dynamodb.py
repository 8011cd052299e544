"""The records port over one DynamoDB table: hash key `pk`, range key `sk`, `data`, `version`, `expires` (TTL).

Every read is consistent. TTL removes late, so reads and conditions look at `expires` themselves. Conflicts of
transactions are tried again a few times here, because they pass in milliseconds; a condition that failed is the
caller's to judge. A request that the SDK repeats carries the same ClientRequestToken, so an acknowledgement lost
on the way makes no second transaction out of one.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Final, Literal, NotRequired, TypedDict, assert_never

from botocore.exceptions import ClientError

from mailscribe.errors import ConditionFailed, StoreUnavailable
from mailscribe.ids import now_ms
from mailscribe.store.aws.calls import aws_errors, error_code
from mailscribe.store.checks import alive, check_bounds, check_keys, check_partition, check_writes, condition_of
from mailscribe.store.ports import Absent, Check, Condition, Delete, Equals, Item, Key, Present, Put, Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputTypeDef,
        TransactWriteItemTypeDef,
        UniversalAttributeValueTypeDef,
    )

BATCH: Final = 100
"""BatchGetItem: keys in one call."""
TRIES: Final = 6
"""Calls before conflicts, or batches without progress, are given up."""
PAUSE_S: Final = 0.02
"""Back-off: a random part of this, doubled for each further try."""

CONFLICT: Final = "TransactionConflict"
CONDITION_FAILED: Final = "ConditionalCheckFailed"
INVALID: Final = "ValidationError"

_CHANCE: Final = random.SystemRandom().random
_NOT_EXPIRED: Final = "(attribute_not_exists(#e) OR #e > :now)"
_EXPRESSIONS: Final[dict[type[Condition | None], str]] = {
    Absent: "attribute_not_exists(#p) OR #e <= :now",
    Present: f"attribute_exists(#p) AND {_NOT_EXPIRED}",
    Equals: f"#v = :v AND {_NOT_EXPIRED}",
}
_NAMES: Final = {"#p": "pk", "#v": "version", "#e": "expires"}

type _Attributes = dict[str, UniversalAttributeValueTypeDef]


class _Conditional(TypedDict):
    """What the conditional forms of Put, Delete and ConditionCheck have in common."""

    TableName: str
    ConditionExpression: str
    ExpressionAttributeNames: dict[str, str]
    ExpressionAttributeValues: _Attributes
    ReturnValuesOnConditionCheckFailure: NotRequired[Literal["NONE"]]


class DynamoRecords:
    """Records in `table`. Safe to share between threads.

    `pause` waits for seconds, `chance` gives a number in [0, 1): back-off is theirs.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        clock_ms: Callable[[], int] = now_ms,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._client = client
        self._table = table
        self._clock_ms = clock_ms
        self._pause = pause
        self._chance = chance

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """The items that exist, in the order of `keys`. Raises `StoreUnavailable`."""
        check_keys(keys)
        found: dict[Key, Item] = {}
        for batch in batched(dict.fromkeys(keys), BATCH, strict=False):
            found.update((item.key, item) for item in self._get_batch(batch))
        now = self._clock_ms()
        return [found[key] for key in keys if key in found and alive(found[key], now)]

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        """At most `limit` items of a partition with start ≤ sk < end, rising or falling by sk."""
        check_partition(pk)
        check_bounds(start, end)
        if limit <= 0 or (end is not None and end <= start):
            return []
        request = _query_request(self._table, pk, start, end)
        request["ScanIndexForward"] = not reverse
        now, found = self._clock_ms(), list[Item]()
        while True:
            request["Limit"] = limit - len(found) + (end is not None)  # BETWEEN includes the end, which is dropped
            with aws_errors(f"query {pk}"):
                page = self._client.query(**request)
            items = (_item(attributes) for attributes in page["Items"])
            found.extend(item for item in items if item.sk != end and alive(item, now))
            if len(found) >= limit or not page.get("LastEvaluatedKey"):
                return found[:limit]
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def transact(self, writes: Sequence[Write]) -> None:
        """All writes or none. Raises `ConditionFailed`, `StoreUnavailable`, `ValueError`."""
        check_writes(writes)
        requests = [_write_request(self._table, write, self._clock_ms() // 1000) for write in writes]
        for wait in self._waits() if requests else ():
            self._pause(wait)
            if self._transact_once(requests):
                return
        if requests:
            raise StoreUnavailable(f"transact: in conflict with others, {TRIES} times")

    def _transact_once(self, requests: "Sequence[TransactWriteItemTypeDef]") -> bool:
        """Whether it is done; False when others were at the same items."""
        with aws_errors("transact"):
            try:
                self._client.transact_write_items(TransactItems=requests)
            except ClientError as error:
                reasons = _reasons(error)
                if CONFLICT in reasons:
                    return False
                failed = tuple(index for index, reason in enumerate(reasons) if reason == CONDITION_FAILED)
                if failed:
                    raise ConditionFailed(failed) from error
                if INVALID in reasons:
                    raise ValueError(f"transact: {error}") from error
                raise
        return True

    def _get_batch(self, keys: Sequence[Key]) -> Iterator[Item]:
        pending: list[dict[str, AttributeValueTypeDef]] = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
        waits = self._waits()
        while pending:
            wait = next(waits, None)
            if wait is None:
                raise StoreUnavailable(f"get {len(pending)} items: throttled")
            self._pause(wait)
            with aws_errors("get items"):
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": pending, "ConsistentRead": True}}
                )
            items = answer["Responses"].get(self._table, [])
            yield from map(_item, items)
            left = answer.get("UnprocessedKeys", {}).get(self._table, {"Keys": []})["Keys"]
            pending = [{"pk": {"S": key["pk"]["S"]}, "sk": {"S": key["sk"]["S"]}} for key in left]
            if items:
                waits = self._waits()

    def _waits(self) -> Iterator[float]:
        """Seconds to wait before each try: none before the first."""
        yield 0.0
        for attempt in range(1, TRIES):
            yield self._chance() * PAUSE_S * 2**attempt


def _reasons(error: ClientError) -> list[str]:
    """Why each write of a cancelled transaction was refused, in order."""
    if error_code(error) != "TransactionCanceledException":
        return []
    reasons = error.response.get("CancellationReasons", [])
    return [reason.get("Code", "None") for reason in reasons]


def _item(attributes: "Mapping[str, AttributeValueTypeDef]") -> Item:
    return Item(
        attributes["pk"]["S"],
        attributes["sk"]["S"],
        bytes(attributes["data"]["B"]),
        int(attributes["version"]["N"]),
        int(attributes["expires"]["N"]) if "expires" in attributes else None,
    )


def _attributes(item: Item) -> "_Attributes":
    attributes: _Attributes = {
        "pk": {"S": item.pk},
        "sk": {"S": item.sk},
        "data": {"B": item.data},
        "version": {"N": str(item.version)},
    }
    if item.expires is not None:
        attributes["expires"] = {"N": str(item.expires)}
    return attributes


def _key(key: Key) -> "_Attributes":
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _query_request(table: str, pk: str, start: str, end: str | None) -> "QueryInputTypeDef":
    if end is None:
        bounds = " AND #s >= :start" if start else ""
    else:
        bounds = " AND #s BETWEEN :start AND :end" if start else " AND #s < :end"
    condition = f"#p = :p{bounds}"
    names = {"#p": "pk", "#s": "sk"}
    values = {":p": pk, ":start": start, ":end": end or ""}
    return {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {name: names[name] for name in names if name in condition},
        "ExpressionAttributeValues": {name: {"S": values[name]} for name in values if name in condition},
        "ConsistentRead": True,
    }


def _write_request(table: str, write: Write, now: int) -> "TransactWriteItemTypeDef":
    match write:
        case Put(item, None):
            return {"Put": {"TableName": table, "Item": _attributes(item)}}
        case Delete(key, None):
            return {"Delete": {"TableName": table, "Key": _key(key)}}
        case Put() | Delete() | Check():
            return _conditional_request(table, write, now)
        case _:
            assert_never(write)


def _conditional_request(table: str, write: Write, now: int) -> "TransactWriteItemTypeDef":
    condition = condition_of(write)
    expression = _EXPRESSIONS[type(condition)]
    names = {name: _NAMES[name] for name in _NAMES if name in expression}
    numbers = {":now": now, ":v": condition.version if isinstance(condition, Equals) else 0}
    values: _Attributes = {name: {"N": str(numbers[name])} for name in numbers if name in expression}
    fields: _Conditional = {
        "TableName": table,
        "ConditionExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    match write:
        case Put(item):
            return {"Put": {**fields, "Item": _attributes(item)}}
        case Delete(key):
            return {"Delete": {**fields, "Key": _key(key)}}
        case Check(key):
            return {"ConditionCheck": {**fields, "Key": _key(key)}}
        case _:
            assert_never(write)
