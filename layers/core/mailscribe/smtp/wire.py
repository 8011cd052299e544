"""What leaves the machine: replies and their record, stamped with the time that the driver gave last.

A rule's delay holds replies back: they are recorded and said when they are released, for then they are said.
"""

from mailscribe.smtp.recorder import Recorder
from mailscribe.smtp.reply import REPLIES, ReplyName, ReplyRule, render


class Wire:
    """Collects reply octets; everything said is recorded."""

    __slots__ = ("_held", "_host", "_out", "now", "pause", "recorder")

    def __init__(self, host: str, recorder: Recorder) -> None:
        self._host = host if host.isascii() else host.encode("ascii", "replace").decode()
        self._out: list[bytes] = []
        self._held: list[tuple[ReplyRule, list[str]]] | None = None
        self.now = 0
        self.pause = 0.0
        self.recorder = recorder

    def reply(self, name: ReplyName | ReplyRule, *more: str, **fields: str) -> None:
        """Say a reply of the table, or one of its own; `more` are further lines."""
        rule = REPLIES[name] if isinstance(name, ReplyName) else name
        lines = render(rule, *more, host=self._host, **fields)
        if self._held is not None:
            self._held.append((rule, lines))
            return
        self._say(rule, lines)

    def finding(self, code: str) -> None:
        """Note a finding on the turn that is going on."""
        self.recorder.finding(self.now, code)

    def hold(self, seconds: float) -> None:
        """Keep what is said from now on until it is released, so many seconds later."""
        self._held = self._held or []
        self.pause += seconds

    def release(self, *, said: bool = True) -> None:
        """The pause is over: say what was held, or forget it."""
        held, self._held, self.pause = self._held, None, 0.0
        for rule, lines in (held or ()) if said else ():
            self._say(rule, lines)

    def take(self) -> bytes:
        """The octets to write now."""
        if not self._out:
            return b""
        out = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return out

    def _say(self, rule: ReplyRule, lines: list[str]) -> None:
        self.recorder.reply(self.now, rule.code, lines)
        text = lines[0] if len(lines) == 1 else "\r\n".join(lines)
        self._out.append(f"{text}\r\n".encode())
