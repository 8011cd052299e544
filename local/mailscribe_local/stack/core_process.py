"""The core process of the local stack: the worker that ingests what the SMTP process stored, and the HTTP API.

With the embedded backend the journal is read; with moto, SQS is polled and the very functions of the template run.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

from mailscribe import settings as settings_table
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.api import Dependencies, create_api
from mailscribe.service.ingest import Ingest
from mailscribe.service.search import Search
from mailscribe.service.waits import Wake
from mailscribe_local.http import HttpHost
from mailscribe_local.stack.backend import open_objects, open_records
from mailscribe_local.stack.control import ChildConfig, Control, run_child
from mailscribe_local.stack.options import Address
from mailscribe_local.stack.worker import Worker, WorkerFiles

STOP_SECONDS = 5.0


class Ingesting(Protocol):
    """What feeds ingest: the journal's worker or the queue's poller."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self, seconds: float) -> None:
        """Finish what is in hand and end."""
        ...


async def main(config: ChildConfig, control: Control) -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="core: %(message)s")
