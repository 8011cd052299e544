"""Whole partitions of the records, a page at a time."""

from collections.abc import Iterable
from typing import Final

from mailscribe.store.ports import Item, Records

PAGE: Final = 1000


def pages(records: Records, partition: str, start: str = "") -> Iterable[list[Item]]:
    """The items of a partition by sort key, from `start` on. Raises `StoreUnavailable`."""
    while items := records.query(partition, start=start, limit=PAGE):
        yield items
        if len(items) < PAGE:
            return
        start = items[-1].sk + "\0"
