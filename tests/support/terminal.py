"""A program on a terminal of its own: what a person types, and what appears, both read without waiting for time."""

import codecs
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping

_SECONDS = 60.0
"""After which what does not appear has failed to."""
_LOGIN = (
    "import os, signal, sys; os.login_tty(0); signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""A terminal's programs hear Ctrl-C, also when whoever runs the tests ignores it."""


class Terminal:
    """A running program and its screen."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self.shown = ""
        self._master = master
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def type(self, text: str) -> None:
        """Keys; a line ends with LF."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> str:
        """Everything that was shown, once `text` is part of it."""
        while text not in self.shown:
            assert self._read(), f"{text!r} never appeared in {self.shown!r}"
        return self.shown

    def interrupt(self) -> None:
        """Ctrl-C until it ends, as a person does: CPython misses one that comes just before it begins to wait."""
        for _ in range(30):
            self.type("\x03")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                return

    def end(self) -> int:
        """Everything until the program ends; its exit code."""
        while self._read():
            pass
        return self.process.wait(_SECONDS)

    def _read(self) -> bool:
        assert select.select([self._master], [], [], _SECONDS)[0], f"nothing more after {self.shown!r}"
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # EIO: the last holder of the other side is gone
            return False
        self.shown += self._decoder.decode(data).replace("\r\n", "\n")
        return bool(data)


@contextlib.contextmanager
def on_terminal(*arguments: str, env: Mapping[str, str] | None = None, columns: int = 80) -> Iterator[Terminal]:
    """`mailscribe ARGUMENTS` on a terminal so wide; killed when the block ends before it does."""
    environ = {name: value for name, value in (env or os.environ).items() if name not in ("COLUMNS", "LINES")}
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-c", _LOGIN, sys.executable, "-m", "mailscribe_local.cli", *arguments]
    try:
        process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ | {"TERM": "xterm", "NO_COLOR": "1"}
        )
        os.close(slave)
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(master)
