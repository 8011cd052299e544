"""The servers that are measured, each in processes of its own, and what their processes cost."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import node

_READY = re.compile(r"mailscribe ready smtp=127\.0\.0\.1:(\d+) http=(\S+) token=(\S+)|port (\d+)")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its SMTP port, the processes whose cost counts by name, and its API with a token."""

    port: int
    pids: dict[str, int]
    http: str = ""
    token: str = ""

    def cpu(self, name: str) -> float:
        """Seconds of CPU, user and system, that a process has used: to the nanosecond where the kernel counts them."""
        counted = [path.read_text().split() for path in Path(f"/proc/{self.pids[name]}/task").glob("*/schedstat")]
        if counted:
            return sum(int(each[0]) for each in counted) / 1e9
        fields = Path(f"/proc/{self.pids[name]}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident(self, name: str) -> int:
        """Resident size of a process in bytes."""
        return self._status(name, "VmRSS")

    def peak(self, name: str) -> int:
        """Peak resident size of a process in bytes."""
        return self._status(name, "VmHWM")

    def _status(self, name: str, field: str) -> int:
        found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{self.pids[name]}/status").read_text())
        return int(found[1]) * 1024 if found else 0


type Start = Callable[[Path], AbstractContextManager[Server]]


@contextlib.contextmanager
def stack(folder: Path) -> Iterator[Server]:
    """`mailscribe up`, embedded: transcripts and messages fsynced to files, ingest beside."""
    arguments = ("up", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", str(folder))
    with _process([sys.executable, "-m", "mailscribe_local.cli", *arguments]) as (process, ready):
        names = {"mailscribe_local.stack.smtp_process": "smtp", "mailscribe_local.stack.core_process": "core"}
        pids = {names[module]: pid for pid, module in _children(process.pid) if module in names}
        yield Server(int(ready[1]), pids, ready[2], ready[3])


@contextlib.contextmanager
def null_store(_: Path) -> Iterator[Server]:
    """Our front end with a store that forgets: the protocol and the transcript alone."""
    with _process([sys.executable, "-m", "benchmarks.null_front_end"]) as (process, ready):
        yield Server(int(ready[4]), {"smtp": process.pid})


@contextlib.contextmanager
def aiosmtpd_sink(_: Path) -> Iterator[Server]:
    """aiosmtpd with its Sink handler: no transcript, nothing stored."""
    with _process([sys.executable, "-m", "benchmarks.aiosmtpd_sink"]) as (process, ready):
        yield Server(int(ready[4]), {"smtp": process.pid})


@contextlib.contextmanager
def node_sink(_: Path) -> Iterator[Server]:
    """nodemailer's smtp-server with a handler that forgets: no transcript, nothing stored."""
    script = Path(__file__).with_name("nodemailer_sink.js")
    with _process(["node", str(script), str(node.modules())]) as (process, ready):
        yield Server(int(ready[4]), {"smtp": process.pid})


def has_smtp_sink() -> bool:
    """Whether Postfix's sink is installed."""
    return shutil.which("smtp-sink") is not None


@contextlib.contextmanager
def smtp_sink(_: Path) -> Iterator[Server]:
    """Postfix's smtp-sink: C, no transcript, nothing stored."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_nobody = [] if os.getuid() else ["-u", "nobody"]
    process = subprocess.Popen(["smtp-sink", *as_nobody, f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL)
    try:
        for _attempt in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Server(port, {"smtp": process.pid})
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[tuple["subprocess.Popen[str]", re.Match[str]]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = _READY.search(line)
        if not found:
            raise RuntimeError(f"{' '.join(command)} did not start: {line!r}")
        yield process, found
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
