"""The numbers of a process, told: to its own health port, to the parent of workers, and to CloudWatch by the log.

A worker answers each connection to a socket of its parent's choice with its snapshot; the parent adds them up. The
sockets are abstract (Linux): nothing is written to a file system that may be read-only.
"""

import asyncio
import contextlib
import socket
import time

import msgspec

from mailscribe_smtp.emf import SECONDS, Emf
from mailscribe_smtp.logs import log_line
from mailscribe_smtp.metrics import Histogram, Metrics, Snapshot, merged

_TIMEOUT = 2.0


class _Told(msgspec.Struct):
    """A snapshot on its way between processes."""

    numbers: list[tuple[str, tuple[str, ...], float]]
    histograms: list[tuple[str, tuple[str, ...], list[int], float]]


def worker_socket(parent: int, number: int) -> str:
    """The address of a worker's socket."""
    return f"\0mailscribe-smtp-{parent}-{number}"


async def serve_snapshots(address: str, metrics: Metrics) -> asyncio.Server:
    """Tell whoever connects."""

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(_encoded(metrics.snapshot()))
            await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(tell, address)


async def collect(addresses: list[str]) -> Snapshot:
    """The numbers of all workers that answer, added up."""
    return merged([told for told in await asyncio.gather(*map(_ask, addresses)) if told is not None])


async def tell_cloudwatch(namespace: str, metrics: Metrics) -> None:
    """Log what is new every minute until cancelled, and once more then."""
    emf = Emf(namespace)
    try:
        while True:
            await asyncio.sleep(SECONDS)
            _tell(emf, metrics)
    finally:
        _tell(emf, metrics)


def _tell(emf: Emf, metrics: Metrics) -> None:
    for line in emf.lines(metrics.snapshot(), time.time_ns() // 1_000_000):
        log_line(line)


async def _ask(address: str) -> Snapshot | None:
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(sock=await _connected(address))
            data = await reader.read()
            writer.close()
        return _decoded(data)
    except (OSError, TimeoutError, msgspec.MsgspecError):
        return None


async def _connected(address: str) -> socket.socket:
    """By the socket's own call: uvloop hands a path to libuv, which ends it at its first NUL."""
    made = socket.socket(socket.AF_UNIX)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made


def _encoded(snapshot: Snapshot) -> bytes:
    return msgspec.json.encode(
        _Told(
            [(name, labels, number) for (name, labels), number in snapshot.numbers.items()],
            [(name, labels, each.counts, each.total) for (name, labels), each in snapshot.histograms.items()],
        )
    )


def _decoded(data: bytes) -> Snapshot:
    told = msgspec.json.decode(data, type=_Told)
    return Snapshot(
        {(name, labels): number for name, labels, number in told.numbers},
        {(name, labels): Histogram(counts, total) for name, labels, counts, total in told.histograms},
    )
