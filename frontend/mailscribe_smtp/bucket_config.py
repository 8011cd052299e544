"""What the API has put under `config/` of the bucket: rules, the directory, and who is watched.

Polled, for a bucket tells nobody: what changed is in force after `SECONDS` at most. An object is fetched only when its
etag is new. A bucket that does not answer changes nothing. At the start it must answer, with a directory that can be
used if there is one: without it mail for people who are here would be refused, and for good.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

import obstore

from mailscribe.errors import ConfigError, StoreUnavailable
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

    async def open(self) -> None:
        """Look for the first time. Raises `StoreUnavailable`, `ConfigError`."""
        await self._look()

    async def refresh(self) -> None:
        """Look again. Never raises."""
        self._source.refresh()
        try:
            await self._look()
        except StoreUnavailable as error:
            _logger.warning("%s", error)
        except ConfigError as error:
            _logger.error("%s; what was read before stays in force", error)  # noqa: TRY400 - no traceback of a typo

    async def _look(self) -> None:
        before = self._known.get(DIRECTORY)
        try:
            await self._fetch()
        except Exception as error:  # obstore's are many
            raise StoreUnavailable(f"{CONFIG} cannot be read: {str(error).partition('\n')[0]}") from error
        self._take_rules()
        directory = self._known.get(DIRECTORY)
        if directory is not None and directory is not before:
            self._source.take_directory(directory[1])

    def _take_rules(self) -> None:
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
        self._known = found
