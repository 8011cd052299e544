"""What the API has put under `config/` of the bucket: rules, the directory, and who is watched.

Polled, for a bucket tells nobody: what changed is in force after `SECONDS` at most. An object is fetched only when its
etag is new. A bucket that does not answer changes nothing.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

import obstore

from mailscribe.service.presence import is_live
from mailscribe.store.keys import RULES, presence_key
from mailscribe_smtp.policy_source import DIRECTORY, PolicySource
from mailscribe_smtp.s3_spool import Store

SECONDS: Final = 5.0
CONFIG: Final = "config/"
_logger = logging.getLogger(__name__)


class BucketConfig:
    """The part of the policy that lies in the bucket."""

    def __init__(self, source: PolicySource, store: Store) -> None:
        self._source = source
        self._store = store
        self._known: dict[str, tuple[str | None, bytes]] = {}
        source.policy.is_watched = self.is_watched

    async def poll(self) -> None:
        """Look, again and again, until cancelled. Never raises anything else."""
        while True:
            await self.refresh()
            await asyncio.sleep(SECONDS)

    async def refresh(self) -> None:
        """Look once. Never raises."""
        self._source.refresh()
        try:
            await self._fetch()
        except Exception as error:  # noqa: BLE001 - obstore's errors are many; the policy in force stays
            _logger.warning("%s cannot be read: %s", CONFIG, str(error).partition("\n")[0])
            return
        rules = {key: data for key, (_, data) in self._known.items() if key.startswith(RULES) and key.endswith(".json")}
        self._source.take_sets({key.removeprefix(RULES).removesuffix(".json"): data for key, data in rules.items()})

    def is_watched(self, email: str) -> bool:
        """Whether somebody watched for that address when it was looked last."""
        _, data = self._known.get(presence_key(email), (None, b""))
        return is_live(data, datetime.now(UTC))

    async def _fetch(self) -> None:
        found: dict[str, tuple[str | None, bytes]] = {}
        async for batch in obstore.list(self._store, CONFIG):
            for meta in batch:
                key, etag = meta["path"], meta["e_tag"]
                known = self._known.get(key)
                if known is not None and known[0] == etag and etag is not None:
                    found[key] = known
                    continue
                try:
                    answer = await obstore.get_async(self._store, key)
                    found[key] = (etag, bytes(await answer.bytes_async()))
                except FileNotFoundError:
                    continue  # whoever watched has left since it was listed
                if key == DIRECTORY:
                    self._source.take_directory(found[key][1])
        self._known = found
