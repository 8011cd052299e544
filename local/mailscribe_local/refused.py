"""Refused content of a data folder goes when its days are over: whole days, by the date in their path."""

import asyncio
import shutil
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from mailscribe.store.keys import REFUSED

SECONDS: Final = 3600.0
"""Between two looks."""


def sweep_refused(objects: Path, days: int, today: date) -> int:
    """Remove what is older than so many days; how many days' folders went. Never raises `OSError`."""
    gone = 0
    for folder in (objects / REFUSED).glob("[0-9]*/[0-9]*/[0-9]*"):
        with suppress(OSError, ValueError):
            year, month, day = map(int, folder.parts[-3:])
            if today - date(year, month, day) > timedelta(days=days):
                shutil.rmtree(folder)
                gone += 1
    return gone


async def keep_swept(objects: Path, days: int) -> None:
    """Look again and again, until cancelled; 0 days keeps all."""
    while days:
        await asyncio.to_thread(sweep_refused, objects, days, datetime.now(UTC).date())
        await asyncio.sleep(SECONDS)
