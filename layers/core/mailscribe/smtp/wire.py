"""What leaves the machine: replies and their record, stamped with the time that the driver gave last."""

from mailscribe.smtp.recorder import Recorder
from mailscribe.smtp.reply import REPLIES, ReplyName, render


class Wire:
    """Collects reply octets; everything said is recorded."""

    __slots__ = ("_host", "_out", "now", "recorder")

    def __init__(self, host: str, recorder: Recorder) -> None:
        self._host = host
        self._out: list[bytes] = []
        self.now = 0
        self.recorder = recorder

    def reply(self, name: ReplyName, *more: str, **fields: str) -> None:
        """Say a reply of the table; `more` are further lines."""
        lines = render(name, *more, host=self._host, **fields)
        self.recorder.reply(self.now, REPLIES[name].code, lines)
        self._out.append(("\r\n".join(lines) + "\r\n").encode("ascii", "replace"))

    def finding(self, code: str) -> None:
        """Note a finding on the turn that is going on."""
        self.recorder.finding(self.now, code)

    def take(self) -> bytes:
        """The octets to write now."""
        if not self._out:
            return b""
        out = b"".join(self._out)
        self._out.clear()
        return out
