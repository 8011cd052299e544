"""The numbers of a process, told: to its own health port, to the parent of workers, and to CloudWatch by the log.

A worker answers each connection to a socket of its parent's choice with its snapshot; the parent adds them up. What a
worker had counted before it died, or does not tell in time, stays counted: a sum that falls would look like a restart
of all. The sockets are abstract (Linux): nothing is written to a file system that may be read-only.
"""

import asyncio
import contextlib
import socket
import time

import msgspec

from mailscribe_smtp.emf import SECONDS, Emf
from mailscribe_smtp.logs import log_line
from mailscribe_smtp.metrics import NAMES, Metrics
from mailscribe_smtp.snapshot import Histogram, Snapshot, merged

_TIMEOUT = 2.0


class Told(msgspec.Struct):
    """A snapshot on its way between processes, and in which life of its worker it was made."""

    life: int
    numbers: list[tuple[str, tuple[str, ...], float]]
    histograms: list[tuple[str, tuple[str, ...], list[int], float]]


class Ledger:
    """The numbers of all workers, added up over their lives."""

    def __init__(self) -> None:
        self._past = Snapshot()
        self._latest: dict[str, tuple[int, Snapshot]] = {}

    async def ask(self, addresses: list[str]) -> Snapshot:
        """Ask all workers; of those that do not answer, what they told last, without gauges."""
        answers = await asyncio.gather(*map(_ask, addresses))
        present = [self._note(address, told) for address, told in zip(addresses, answers, strict=True)]
        return merged([self._past, *present])

    def _note(self, address: str, told: Told | None) -> Snapshot:
        life, latest = self._latest.get(address, (0, Snapshot()))
        if told is None or told.life < life:
            return _without_gauges(latest)
        if told.life > life:
            self._past.merge(_without_gauges(latest))
        snapshot = _decoded(told)
        self._latest[address] = (told.life, snapshot)
        return snapshot


def worker_socket(parent: int, number: int) -> str:
    """The address of a worker's socket."""
    return f"\0mailscribe-smtp-{parent}-{number}"


async def serve_snapshots(address: str, metrics: Metrics) -> asyncio.Server:
    """Tell whoever connects."""
    life = time.monotonic_ns()  # later for each process that ever has this address

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(msgspec.json.encode(_encoded(metrics.snapshot(), life)))
            await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(tell, address)


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


async def _ask(address: str) -> Told | None:
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(sock=await _connected(address))
            try:
                data = await reader.read()
            finally:
                writer.close()
        return msgspec.json.decode(data, type=Told)
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


def _encoded(snapshot: Snapshot, life: int) -> Told:
    return Told(
        life,
        [(name, labels, number) for (name, labels), number in snapshot.numbers.items()],
        [(name, labels, each.counts, each.total) for (name, labels), each in snapshot.histograms.items()],
    )


def _decoded(told: Told) -> Snapshot:
    return Snapshot(
        {(name, labels): number for name, labels, number in told.numbers},
        {(name, labels): Histogram(counts, total) for name, labels, counts, total in told.histograms},
    )


def _without_gauges(snapshot: Snapshot) -> Snapshot:
    counted = {key: number for key, number in snapshot.numbers.items() if NAMES[key[0]].kind != "gauge"}
    return Snapshot(counted, snapshot.histograms)
