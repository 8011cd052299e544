"""The servers that are measured, each in processes of its own, and what their processes cost."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_READY = re.compile(r"(?:mailscribe ready smtp=127\.0\.0\.1:|port )(\d+)")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its SMTP port, and the processes whose cost counts, by name."""

    port: int
    pids: dict[str, int]

    def cpu(self, name: str) -> float:
        """Seconds of CPU, user and system, that a process has used."""
        fields = Path(f"/proc/{self.pids[name]}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def peak(self, name: str) -> int:
        """Peak resident size of a process in bytes."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pids[name]}/status").read_text())
        return int(found[1]) * 1024 if found else 0


@contextlib.contextmanager
def stack(folder: Path) -> Iterator[Server]:
    """`mailscribe up`, embedded: transcripts and messages fsynced to files, ingest beside."""
    arguments = ("up", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", str(folder))
    with _process([sys.executable, "-m", "mailscribe_local.cli", *arguments]) as (process, port):
        names = {"mailscribe_local.stack.smtp_process": "smtp", "mailscribe_local.stack.core_process": "core"}
        yield Server(port, {names[module]: pid for pid, module in _children(process.pid) if module in names})


@contextlib.contextmanager
def null_store(_: Path) -> Iterator[Server]:
    """Our front end with a store that forgets: the protocol and the transcript alone."""
    with _process([sys.executable, "-m", "benchmarks.null_front_end"]) as (process, port):
        yield Server(port, {"smtp": process.pid})


@contextlib.contextmanager
def aiosmtpd_sink(_: Path) -> Iterator[Server]:
    """aiosmtpd with its Sink handler: no transcript, nothing stored."""
    with _process([sys.executable, "-m", "benchmarks.aiosmtpd_sink"]) as (process, port):
        yield Server(port, {"smtp": process.pid})


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = _READY.search(line)
        if not found:
            raise RuntimeError(f"{' '.join(command)} did not start: {line!r}")
        yield process, int(found[1])
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout:
            process.stdout.close()


def _children(parent: int) -> Iterator[tuple[int, str]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                words = (stat.parent / "cmdline").read_bytes().decode().split("\0")
                yield int(stat.parent.name), next((word for word in words if word.startswith("mailscribe_local.")), "")
