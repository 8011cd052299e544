"""The front end is tried on both event loops."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops of this folder's tests."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
