"""`make bench`: CPU and wall time a message, whole processes, us against aiosmtpd, in one run.

With the argument `parser` it is the message parser against others instead (`benchmarks.parser`). The tables' ratios
are what counts; the milliseconds belong to the machine of that moment.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import parser
from benchmarks.load import Load, run, source
from benchmarks.servers import Server, aiosmtpd_sink, null_store, stack

LOADS = (Load(2000, 1_000), Load(1000, 50_000), Load(100, 1_000_000))
WARM_UP = Load(40, 1_000)

type Start = Callable[[Path], AbstractContextManager[Server]]

CONTENDERS: tuple[tuple[str, Start, tuple[str, ...]], ...] = (
    ("aiosmtpd, sink", aiosmtpd_sink, ("smtp",)),
    ("mailscribe, null store", null_store, ("smtp",)),
    ("mailscribe up, SMTP process", stack, ("smtp",)),
    ("mailscribe up, with ingest", stack, ("smtp", "core")),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One contender under one load."""

    name: str
    cpu_ms: float
    per_second: float
    peak_mb: float


def measure(name: str, start: Start, processes: tuple[str, ...], load: Load) -> Row:
    """Start, warm up, load, read the processes' CPU."""
    with tempfile.TemporaryDirectory() as folder, start(Path(folder) / "data") as server:
        run(WARM_UP, server.port)
        before, begun = _cpu(server, processes), time.monotonic()
        run(load, server.port)
        elapsed = time.monotonic() - begun
        if "core" in processes:
            _settle(server)
        used = _cpu(server, processes) - before
        peak = max(server.peak(process) for process in processes)
    return Row(name, 1000 * used / load.messages, load.messages / elapsed, peak / 1e6)


def main() -> int:
    """Measure everything and print the tables."""
    if sys.argv[1:2] == ["parser"]:
        return parser.main(sys.argv[2:])
    print(f"load by {source()}, 4 sessions, connections reused; CPU is user + system of the whole processes")
    for load in LOADS:
        rows = [measure(name, start, processes, load) for name, start, processes in CONTENDERS]
        base = rows[0].cpu_ms
        print(
            f"\n{load.size / 1000:g} KB × {load.messages}\n\n| | CPU a message | of aiosmtpd | messages/s | peak RSS |"
        )
        print("|---|---|---|---|---|")
        for row in rows:
            ratio = row.cpu_ms / base
            print(f"| {row.name} | {row.cpu_ms:.2f} ms | {ratio:.2f} × | {row.per_second:.0f} | {row.peak_mb:.0f} MB |")
        sys.stdout.flush()
    return 0


def _cpu(server: Server, processes: tuple[str, ...]) -> float:
    return sum(server.cpu(process) for process in processes)


def _settle(server: Server) -> None:
    """Until ingest has caught up: the core process uses no more CPU."""
    last = -1.0
    while (now := server.cpu("core")) > last:
        last = now
        time.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main())
