"""`mailscribe up`, whole: messages acknowledged and messages readable a second, and what each process spends on one.

A message is readable when the API gives its record. Objects are journaled in order, so when the last one is readable
all are.
"""

import contextlib
import http.client
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Load, deliver, run
from benchmarks.servers import Server, stack

ROUNDS = 3
LOADS = (Load(400, 5_000, 10), Load(400, 1_000), Load(300, 1_000, 1), Load(200, 50_000), Load(20, 1_000_000))
WARM_UP = Load(80, 1_000)
LAST = [b"Subject: the last one\r\n\r\n"]
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One load in one round."""

    acknowledged: float
    readable: float
    smtp_ms: float
    core_ms: float


def table(folder: Path) -> list[str]:
    """The table, in Markdown; last the peak sizes."""
    with stack(folder / "data") as server:
        run(WARM_UP, server.port)
        settle(server)
        rounds = [[_measure(server, load) for load in LOADS] for _ in range(ROUNDS)]
        peaks = {name: server.peak(name) / 1e6 for name in ("smtp", "core")}
    lines = [
        "| `mailscribe up` | acknowledged | readable | CPU a message: SMTP process | core process |",
        "|---|---|---|---|---|",
    ]
    for index, load in enumerate(LOADS):
        measured = [each[index] for each in rounds]
        cells = (
            f"{_median(measured, lambda each: each.acknowledged):.0f}/s",
            f"{_median(measured, lambda each: each.readable):.0f}/s",
            f"{_median(measured, lambda each: each.smtp_ms):.2f} ms",
            f"{_median(measured, lambda each: each.core_ms):.2f} ms",
        )
        lines.append(f"| {load.title} | {' | '.join(cells)} |")
    return [*lines, f"| peak RSS | | | {peaks['smtp']:.0f} MB | {peaks['core']:.0f} MB |"]


def _measure(server: Server, load: Load) -> Figures:
    before = {name: server.cpu(name) for name in server.pids}
    begun = time.monotonic()
    run(load, server.port)
    acknowledged = time.monotonic() - begun
    settle(server)
    readable = time.monotonic() - begun
    cpu = {name: 1000 * (server.cpu(name) - before[name]) / load.messages for name in server.pids}
    return Figures(load.messages / acknowledged, load.messages / readable, cpu["smtp"], cpu["core"])


def _median(measured: list[Figures], figure: Callable[[Figures], float]) -> float:
    return statistics.median(map(figure, measured))


def settle(server: Server) -> None:
    """Send one more message, and return when it is readable."""
    path = f"/v1/messages/{deliver(server.port, LAST)}?properties=id"
    end = time.monotonic() + PATIENCE
    with contextlib.closing(http.client.HTTPConnection(server.http.removeprefix("http://"), timeout=10)) as api:
        while time.monotonic() < end:
            api.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
            answer = api.getresponse()
            answer.read()
            if answer.status == 200:
                return
            time.sleep(0.02)
    raise RuntimeError("the last message was not readable in time")
