"""Runs `mailscribe up` for tests: free ports, an own data folder, ended and reaped whatever happens."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

_READY = re.compile(r"mailscribe ready smtp=(\S+):(\d+) http=(http://\S+) token=(\S+)\n")
_POOL = urllib3.PoolManager(retries=False, timeout=60.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Stack:
    """A running `mailscribe up`."""

    process: "subprocess.Popen[str]"
    smtp_host: str
    smtp_port: int
    url: str
    token: str
    data: Path
    log: Path

    def get(self, path: str, *, token: str | None = "", **headers: str) -> Answer:
        """GET a path with the stack's token, another, or none."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = _POOL.request("GET", self.url + path, headers=names, redirect=False)
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def wait_message(self, query: str, count: int = 1) -> list[Any]:
        """The records of messages that match, waiting for them."""
        answer = self.get(f"/v1/messages/wait?{_query(q=query, count=str(count), timeout='25')}")
        assert answer.status == 200, (answer.status, answer.body, self.log.read_text())
        return list(answer.json["messages"])

    def wait_session(self, query: str) -> Any:
        """The first session that matches, waiting for it."""
        answer = self.get(f"/v1/sessions/wait?{_query(q=query, timeout='25')}")
        assert answer.status == 200, (answer.status, answer.body, self.log.read_text())
        return answer.json["sessions"][0]

    def env(self) -> dict[str, str]:
        """The environment by which the command line finds this stack."""
        return os.environ | {"MAILSCRIBE_URL": self.url, "MAILSCRIBE_TOKEN": self.token}

    def children(self) -> dict[str, int]:
        """Process ids of the SMTP and core processes."""
        found: dict[str, int] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.process.pid:
                    command = (status.parent / "cmdline").read_bytes().decode().split("\0")
                    name = next((word for word in command if word.startswith("mailscribe_local.stack.")), "")
                    found[name.rpartition(".")[2].removesuffix("_process")] = int(status.parent.name)
        return found

    def kill(self) -> None:
        """SIGKILL to everything at once, as if the machine had gone."""
        os.kill(self.process.pid, signal.SIGSTOP)  # it must not start again what dies
        for pid in (*self.children().values(), self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(60)


def _query(**parameters: str) -> str:
    from urllib.parse import urlencode

    return urlencode(parameters)


def mailscribe(
    *arguments: str, env: dict[str, str] | None = None, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run one command of the command line."""
    return subprocess.run(
        [sys.executable, "-m", "mailscribe_local.cli", *arguments],
        env=env or dict(os.environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def running_stack(data: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Stack]:
    """`mailscribe up` on free ports until the block ends."""
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    command = [sys.executable, "-m", "mailscribe_local.cli", "up", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [*command, "--data", str(data), *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | (env or {}),
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = _READY.fullmatch(line)
        assert found, (line, process.poll(), log.read_text())
        yield Stack(process, found[1], int(found[2]), found[3], found[4], data, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


def eventually[T](probe: Callable[[], T | None], seconds: float = 30.0) -> T:
    """Ask until the answer is true; for what only polling can see (a process that ends, a file that appears)."""
    end = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return answer
