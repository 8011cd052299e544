"""CPU a message of SMTP servers that store nothing, round by round, so that a slow moment is everybody's.

One row a server, one column a load; the figure is the median of the rounds.
"""

import contextlib
import statistics
from pathlib import Path

from benchmarks.load import Load, run
from benchmarks.servers import Server, Start, aiosmtpd_sink, has_smtp_sink, null_store, smtp_sink

ROUNDS = 5
LOADS = (Load(800, 1_000), Load(600, 1_000, 1), Load(300, 50_000), Load(30, 1_000_000))
WARM_UP = (Load(100, 1_000), Load(100, 1_000, 1))
PEER = "aiosmtpd, sink"
OURS = "mailscribe, null store"


def contenders() -> dict[str, Start]:
    """Who is there to be measured."""
    found: dict[str, Start] = {PEER: aiosmtpd_sink, OURS: null_store}
    return found | ({"smtp-sink of Postfix, in C": smtp_sink} if has_smtp_sink() else {})


def table(folder: Path) -> list[str]:
    """The table, in Markdown."""
    with contextlib.ExitStack() as running:
        servers = {name: running.enter_context(start(folder)) for name, start in contenders().items()}
        for server in servers.values():
            for load in WARM_UP:
                run(load, server.port)
        figures = [_medians(servers, load) for load in LOADS]
    titles = [f" {load.title} | |" for load in LOADS]
    lines = ["| CPU a message, and of aiosmtpd's |" + "".join(titles), "|---" * (1 + 2 * len(LOADS)) + "|"]
    for name in servers:
        cells = [f" {each[name]:.3f} ms | {each[name] / each[PEER]:.2f} × |" for each in figures]
        lines.append(f"| {f'**{name}**' if name == OURS else name} |" + "".join(cells))
    return lines


def _medians(servers: dict[str, Server], load: Load) -> dict[str, float]:
    measured: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            before = server.cpu("smtp")
            run(load, server.port)
            measured[name].append(1000 * (server.cpu("smtp") - before) / load.messages)
    return {name: statistics.median(values) for name, values in measured.items()}
