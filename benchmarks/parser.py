"""`python -m benchmarks parser`: time and memory of the message parser, against other parsers, in one run.

Everybody finds the structure and decodes the text parts; who "reads all" also hashes the decoded attachments and
reads what a record says: addresses, subject, ids, dates, Received fields. Ours always does. CPU time, the best of
several rounds over messages that all differ; memory is the peak of a process of its own beyond what it held before
it read the message, the message included.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import mails
from benchmarks.parsers import PARSERS, Parser

SIZES: tuple[tuple[str, Callable[[int], bytes], int, int, float], ...] = (
    ("3 KB", mails.small, 100, 15, 0.6),
    ("63 KB", mails.typical, 20, 15, 0.2),
    ("25 MB", mails.large, 1, 3, 0.5),
)
"""name, what makes a message, how many of them, rounds, and the most that ours may take of the first parser's time"""
IMPORTS = 15
IMPORT_BAR_MS = 40.0
MEMORY_BAR = 1.5


def main(arguments: list[str]) -> int:
    """Measure everything and print the tables; given a parser and a file, parse that once and tell the peak."""
    if arguments:
        return _tell_peak(*arguments)
    print("CPU time a message, and of the first row's\n")
    rows = {name: [name] for name in PARSERS}
    bars = ["bar for ours"]
    for _, make, count, rounds, bar in SIZES:
        times = _times([make(seed) for seed in range(count)], rounds)
        base = next(iter(times.values()))
        for name, seconds in times.items():
            rows[name] += [_time(seconds), f"{seconds / base:.2f} ×"]
        bars += ["", f"{bar:.2f} ×"]
    titles = [title for size in SIZES for title in (size[0], "")]
    _print_table(["", *titles], [*rows.values(), bars])
    print(f"\npeak memory for 25 MB, of the message's size (bar for ours: {MEMORY_BAR} ×)\n")
    _print_table(["", "peak"], [[name, f"{ratio:.2f} ×"] for name, ratio in _peaks().items()])
    print(f"\nimport of the parser over bare Python (bar: {IMPORT_BAR_MS:.0f} ms)\n")
    _print_table(["", "best"], [[name, f"{ms:.0f} ms"] for name, ms in _imports().items()])
    return 0


def _times(messages: list[bytes], rounds: int) -> dict[str, float]:
    """Best CPU seconds a message for each parser; they take turns, so that all meet the same neighbours."""
    best = dict.fromkeys(PARSERS, float("inf"))
    for _ in range(rounds):
        for name, parser in PARSERS.items():
            begun = time.process_time()
            for data in messages:
                parser(data)
            best[name] = min(best[name], (time.process_time() - begun) / len(messages))
    return best


def _peaks() -> dict[str, float]:
    with tempfile.NamedTemporaryFile() as file:
        size = file.write(mails.large(0))
        file.flush()
        return {name: _peak(name, file.name) / size for name in PARSERS}


def _peak(name: str, path: str) -> int:
    command = [sys.executable, "-m", "benchmarks", "parser", name, path]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _tell_peak(name: str, path: str) -> int:
    """Parse a file and print the bytes that this took at its peak, the message's own included."""
    parser: Parser = PARSERS[name]
    parser(mails.small(0))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status("VmRSS")
    parser(Path(path).read_bytes())
    print(_status("VmHWM") - before)
    return 0


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _imports() -> dict[str, float]:
    """Milliseconds, the best of several, with and without our own bytecode from an earlier import."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        found = {"with stored bytecode": _over_bare(environment)}
        for path in Path(folder).rglob("mailscribe/**/*.pyc"):
            path.unlink()
        return found | {"without": _over_bare(environment | {"PYTHONDONTWRITEBYTECODE": "1"})}


def _over_bare(environment: dict[str, str]) -> float:
    code = "import mailscribe.message"
    _run(code, environment)
    pairs = [(_run(code, environment), _run("pass", environment)) for _ in range(IMPORTS)]
    return 1000 * (min(ours for ours, _ in pairs) - min(bare for _, bare in pairs))


def _run(code: str, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - begun


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"


def _print_table(titles: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()
