"""CPU a message and peak size of SMTP servers, round by round, so that a slow moment is everybody's.

One column a server, one row a load; the figure is the median of the rounds. All but `mailscribe up` store nothing;
that one's ingest is waited for, so that it takes no time from whoever is next.
"""

import contextlib
import statistics
from pathlib import Path

from benchmarks import node
from benchmarks.load import Load, run
from benchmarks.servers import Server, Start, aiosmtpd_sink, has_smtp_sink, node_sink, null_store, smtp_sink, stack
from benchmarks.whole import settle

LOADS = {
    Load(800, 1_000): 5,
    Load(200, 1_000, 1): 5,
    Load(240, 50_000): 5,
    Load(100, 50_000, 1): 5,
    Load(16, 1_000_000): 3,
    Load(16, 1_000_000, 1): 3,
    Load(8, 10_000_000): 3,
}
"""With the number of rounds; few connections, because Node's server makes each wait for 100 ms."""
WARM_UP = (Load(100, 1_000), Load(100, 1_000, 1))
PEER = "aiosmtpd, sink"
NODE = "smtp-server of Node, sink"
OURS = "mailscribe, null store"
WHOLE = "mailscribe up, SMTP process"
C = "smtp-sink of Postfix, in C"


def contenders() -> dict[str, Start]:
    """Who is there to be measured."""
    found: dict[str, Start] = {PEER: aiosmtpd_sink}
    if node.modules():
        found[NODE] = node_sink
    found |= {WHOLE: stack, OURS: null_store}
    return found | ({C: smtp_sink} if has_smtp_sink() else {})


def table(folder: Path) -> list[str]:
    """The table, in Markdown; last the peak sizes."""
    with contextlib.ExitStack() as running:
        servers = {name: running.enter_context(start(folder / "front")) for name, start in contenders().items()}
        for server in servers.values():
            for load in WARM_UP:
                _send(server, load)
        figures = [_medians(servers, load) for load in LOADS]
        peaks = [f"{server.peak('smtp') / 1e6:.0f} MB" for server in servers.values()]
    titles = [f"**{name}**" if name in (OURS, WHOLE) else name for name in servers]
    lines = [_row("CPU a message, and of aiosmtpd's", titles), "|---" * (1 + len(servers)) + "|"]
    for load, each in zip(LOADS, figures, strict=True):
        lines.append(_row(load.title, [f"{each[name]:.3f} ms, {each[name] / each[PEER]:.2f} ×" for name in servers]))
    return [*lines, _row("peak RSS", peaks)]


def _medians(servers: dict[str, Server], load: Load) -> dict[str, float]:
    measured: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(LOADS[load]):
        for name, server in servers.items():
            measured[name].append(_send(server, load))
    return {name: statistics.median(values) for name, values in measured.items()}


def _send(server: Server, load: Load) -> float:
    """Milliseconds of CPU that a message took."""
    before = server.cpu("smtp")
    run(load, server.port)
    used = server.cpu("smtp") - before
    if server.http:
        settle(server)
    return 1000 * used / load.messages


def _row(title: str, cells: list[str]) -> str:
    return f"| {' | '.join((title, *cells))} |"
