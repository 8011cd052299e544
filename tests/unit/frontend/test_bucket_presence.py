"""Who is watched, as a front end over a bucket finds it: what the API says, and what goes during a look."""

import logging
from datetime import UTC, datetime, timedelta

import msgspec
import obstore
import pytest
from obstore.store import MemoryStore

from mailscribe.service.presence import Watched
from mailscribe.settings import Settings
from mailscribe.store.keys import presence_key
from mailscribe_smtp.bucket_config import BucketConfig
from mailscribe_smtp.policy_source import PolicySource

BOB, ANN = "bob@test.org", "ann@test.org"


def put(store: MemoryStore, address: str, seconds: float) -> None:
    """What the API writes for an address, good for so many seconds."""
    watched = Watched(address=address, expires=datetime.now(UTC) + timedelta(seconds=seconds))
    obstore.put(store, presence_key(address), msgspec.json.encode(watched))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def source() -> PolicySource:
    return PolicySource(Settings(domains=("*",)))


async def test_what_the_api_says_is_found_at_the_next_look(store: MemoryStore, source: PolicySource) -> None:
    config = BucketConfig(source, store)
    put(store, BOB, 60)
    put(store, ANN, -1)
    assert not source.policy.is_watched(BOB)
    await config.refresh()
    assert source.policy.is_watched(BOB)
    assert not source.policy.is_watched(ANN)
    put(store, ANN, 60)
    obstore.delete(store, presence_key(BOB))
    await config.refresh()
    assert source.policy.is_watched(ANN)
    assert not source.policy.is_watched(BOB)


async def test_one_who_leaves_during_a_look_takes_nobody_else_away(
    store: MemoryStore, source: PolicySource, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fetch = obstore.get_async

    async def leaving(store: MemoryStore, key: str) -> "obstore.GetResult":
        if key == presence_key(BOB):
            obstore.delete(store, key)
        return await fetch(store, key)

    monkeypatch.setattr(obstore, "get_async", leaving)
    caplog.set_level(logging.WARNING)
    put(store, BOB, 60)
    put(store, ANN, 60)
    await BucketConfig(source, store).refresh()
    assert source.policy.is_watched(ANN)
    assert not source.policy.is_watched(BOB)
    assert caplog.text == ""
