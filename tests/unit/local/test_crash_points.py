"""The publisher dies before or after each of its steps; recovery makes of it what was promised, nothing partial."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from mailscribe.ids import UlidFactory
from mailscribe.smtp import read_transcript
from mailscribe.store.keys import message_key, session_key
from mailscribe_local import durable, publisher
from mailscribe_local.journal import JournalReader, Position
from mailscribe_local.publisher import Publication, Publisher
from mailscribe_local.recovery import recover_open_sessions

STEPS = [
    (durable, "write_all"),
    (durable, "sync"),
    (durable, "finish"),
    (durable, "fsync_folder"),
    (durable, "discard"),
    (publisher, "_link"),
]
CONTENT = b"content" * 1000
TRANSCRIPT = (
    b'{"v":1,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","client":{"ip":"192.0.2.1","port":25},"listener":"smtp",'
    b'"host":"test.org","opened":"2026-01-01T00:00:00.000Z"}\n{"t":1,"dir":"S","line":"220 test.org"}\n'
)

new_id = UlidFactory()


class Crash(BaseException):
    """The process dies here."""


def _dying(patch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
    """The `at`-th call of a step dies, before or after it has done its work."""
    calls = count()

    def wrap(step: Callable[..., object]) -> Callable[..., object]:
        def stepping(*arguments: object) -> object:
            dies = next(calls) == at
            if dies and not after:
                raise Crash
            result = step(*arguments)
            if dies:
                raise Crash
            return result

        return stepping

    for module, name in STEPS:
        patch.setattr(module, name, wrap(getattr(module, name)))


def _runs(tmp_path: Path, *, after: bool) -> Iterator[tuple[Path, str, str, bool]]:
    """One run for each call of a step: data folder, message, session, whether it was promised."""
    for at in count():
        data = tmp_path / f"{at}"
        message, session = new_id(), new_id()
        made = Publisher(data)
        live = made.open / f"{session}.jsonl"
        live.write_bytes(TRANSCRIPT)
        items = [
            Publication(str(made.open / f"{message}.eml"), message_key(message), 0, [CONTENT]),
            Publication(str(live), session_key(session), len(TRANSCRIPT), []),
        ]
        promised = crashed = False
        with pytest.MonkeyPatch.context() as patch:
            _dying(patch, at, after=after)
            try:
                promised = made.publish(items) == [None, None]
            except Crash:
                crashed = True
        made.close()
        yield data, message, session, promised
        if not crashed:
            assert at > 10
            return


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step(tmp_path: Path, *, after: bool) -> None:
    for data, message, session, promised in _runs(tmp_path, after=after):
        recover_open_sessions(data)
        journaled = [entry.key for entry in JournalReader(data / "journal", Position.START).read(100)]
        path = data / "objects" / message_key(message)
        assert not path.exists() or path.read_bytes() == CONTENT
        assert path.exists() == (message_key(message) in journaled)
        assert path.exists() or not promised
        stored = (data / "objects" / session_key(session)).read_bytes()
        assert stored.startswith(TRANSCRIPT)
        read_transcript(stored)
        assert session_key(session) in journaled
        assert list((data / "open").iterdir()) == []
