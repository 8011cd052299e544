"""What the container says on standard output: one JSON object a line.

Sessions are facts without addresses of mail; messages of the code go through `logging` and the same form, with
the traceback of an unexpected exception as one string, for the operator alone.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from mailscribe_smtp.hub import SessionEnded


def log_event(event: str, **facts: str | float | None) -> None:
    """Something that the process did."""
    _write({"at": _now(), "event": event, **facts})


def log_session(ended: SessionEnded) -> None:
    """A session that ended."""
    _write({"at": _now(), "event": "session", **msgspec.to_builtins(ended)})


def set_up_logging() -> None:
    """Send warnings and errors of all loggers to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        facts = {"at": _now(), "event": "log", "level": record.levelname, "message": record.getMessage()}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return _encode(facts).decode()


def log_line(facts: Mapping[str, Any]) -> None:
    """Facts of another form than ours, as one line."""
    sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    sys.stdout.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(facts: dict[str, str | float | None]) -> None:
    sys.stdout.write(_encode(facts).decode() + "\n")
    sys.stdout.flush()


def _encode(facts: Mapping[str, str | float | None]) -> bytes:
    clean = {
        key: value.encode(errors="replace").decode() if isinstance(value, str) else value
        for key, value in facts.items()
    }
    return msgspec.json.encode(clean)
