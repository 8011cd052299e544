"""The API token that `up` gives out, as a row of the records: the one before it is revoked."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from mailscribe.records import TokenRecord
from mailscribe.store import items
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Delete, Item, Key, Put, Records, Write

UP_TOKEN: Final = Key("K#up", "token")
"""Holds the SHA-256 of the token that the last `up` made."""


def put_token(records: Records, token: str) -> None:
    """Make `token` the one that `up` gives out; the one before it is revoked. Raises `StoreError`."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    record = TokenRecord(name="up", scopes=("read", "delete", "admin"), created_at=datetime.now(UTC))
    former = [item.data.decode() for item in records.get_many([UP_TOKEN])]
    revoked: list[Write] = [Delete(RecordKeys.token(sha256)) for sha256 in former if sha256 != digest]
    records.transact(
        [
            Put(items.pack(RecordKeys.token(digest), record)),
            Put(Item(UP_TOKEN.pk, UP_TOKEN.sk, digest.encode())),
            *revoked,
        ]
    )
