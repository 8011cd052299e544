"""kill -9 at many moments, whatever the sessions are in the middle of: DATA, chunks, a refusal, the wait for the disk.

What got 250 is there, once, byte for byte, and will be ingested; whatever else is there is whole.
"""

import contextlib
import os
import random
import subprocess
import sys
import threading
import uuid
from pathlib import Path

from mailscribe.smtp import open_trace, read_transcript
from mailscribe_local.recovery import recover_open_sessions
from support import smtp_victim
from support.wire import Wire

TESTS = Path(smtp_victim.__file__).parents[1]
ROUNDS = 25
SENDERS = 3
SIZES = (50, 3_000, 90_000, 400_000)


class Sender(threading.Thread):
    """Sends by DATA and by BDAT, good mail and mail that is refused, until the server is gone."""

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.chance = random.Random(seed)
        self.sent: dict[str, bytes] = {}
        self.accepted: dict[str, bytes] = {}

    def run(self) -> None:
        with contextlib.suppress(OSError, AssertionError, IndexError, ValueError):
            while True:
                with Wire("127.0.0.1", self.port) as wire:
                    wire.reply()
                    wire.say(b"EHLO kill.example")
                    for _ in range(4):
                        self.send(wire)

    def send(self, wire: Wire) -> None:
        mark = uuid.uuid4().hex
        content = f"Subject: {mark}\r\n\r\n".encode() + b"0123456789abcdef\r\n" * (self.chance.choice(SIZES) // 18 + 1)
        kind = self.chance.choice(("data", "chunks", "refused"))
        if kind == "refused":
            content += b"bare\nfeed\r\n"
        self.sent[mark] = content
        if kind != "chunks":
            with contextlib.suppress(AssertionError):
                self.accepted[wire.deliver(content)] = content
            return
        for command in (b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.org>"):
            assert wire.code(command) == 250
        middle = len(content) // 2
        wire.send(
            b"BDAT %d\r\n%bBDAT %d LAST\r\n%b" % (middle, content[:middle], len(content) - middle, content[middle:])
        )
        assert wire.reply()[-1].startswith(b"250")
        last = wire.reply()[-1]
        assert last.startswith(b"250 2.0.0")
        self.accepted[last.split()[2].decode()] = content


def one_round(folder: Path, seed: int) -> list[Sender]:
    """Start, send, kill after so many acknowledgements and a little more."""
    command = [sys.executable, "-m", "support.smtp_victim", str(folder)]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(TESTS)}, stdout=subprocess.PIPE, text=True
    ) as made:
        assert made.stdout is not None
        port = int(made.stdout.readline())
        senders = [Sender(port, seed * SENDERS + number) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        with contextlib.suppress(subprocess.TimeoutExpired):  # how long is chance, and nothing waits for it
            made.wait(random.Random(seed).uniform(0.005, 0.12))
        made.kill()
        for sender in senders:
            sender.join(30)
    return senders


def test_what_was_acknowledged_is_there_once_and_what_else_is_there_is_whole(tmp_path: Path) -> None:
    accepted: dict[str, bytes] = {}
    sent: dict[str, bytes] = {}
    for seed in range(ROUNDS):
        for sender in one_round(tmp_path, seed):
            accepted |= sender.accepted
            sent |= sender.sent
    recover_open_sessions(tmp_path)
    journal = b"".join(path.read_bytes() for path in sorted((tmp_path / "journal").iterdir()))
    found: dict[str, bytes] = {}
    for path in (tmp_path / "objects").rglob("*.eml"):
        data = path.read_bytes()
        content = data[open_trace(data).length :]
        mark = content.partition(b"\r\n")[0].decode().removeprefix("Subject: ")
        assert content == sent[mark], path
        assert (b"bare\nfeed" in content) == ("/refused/" in str(path))
        if "/messages/" in str(path):
            assert path.stem not in found
            found[path.stem] = content
            assert path.stem.encode() in journal
    assert accepted.keys() <= found.keys()
    assert len(accepted) >= ROUNDS
    for ulid, content in accepted.items():
        assert found[ulid] == content
    for path in (tmp_path / "objects" / "sessions").rglob("*.jsonl"):
        assert read_transcript(path.read_bytes()).end is not None
    assert not list((tmp_path / "open").iterdir())
