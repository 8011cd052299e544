"""The publisher dies before or after each of its steps; recovery makes of it what was promised, nothing partial."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from mailscribe.ids import UlidFactory
from mailscribe.smtp import read_transcript
from mailscribe.store.keys import message_key, refused_key, session_key
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


@dataclass(frozen=True)
class Run:
    """A data folder after a death, the ids of what was to be published, and whether that was promised."""

    data: Path
    message: str
    refused: str
    session: str
    promised: bool


def _runs(tmp_path: Path, *, after: bool) -> Iterator[Run]:
    """One run for each call of a step."""
    for at in count():
        data = tmp_path / f"{at}"
        message, refused, session = new_id(), new_id(), new_id()
        made = Publisher(data)
        live = made.open / f"{session}.jsonl"
        live.write_bytes(TRANSCRIPT)
        items = [
            Publication(str(made.open / f"{message}.eml"), message_key(message), 0, [CONTENT]),
            Publication(str(made.open / f"{refused}.eml"), refused_key(refused), 0, [CONTENT], journaled=False),
            Publication(str(live), session_key(session), len(TRANSCRIPT), []),
        ]
        promised = crashed = False
        with pytest.MonkeyPatch.context() as patch:
            _dying(patch, at, after=after)
            try:
                promised = made.publish(items) == [None, None, None]
            except Crash:
                crashed = True
        made.close()
        yield Run(data, message, refused, session, promised)
        if not crashed:
            assert at > 10
            return


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step(tmp_path: Path, *, after: bool) -> None:
    for run in _runs(tmp_path, after=after):
        recover_open_sessions(run.data)
        journaled = [entry.key for entry in JournalReader(run.data / "journal", Position.START).read(100)]
        objects = run.data / "objects"
        for key in (message_key(run.message), refused_key(run.refused)):
            assert not (objects / key).exists() or (objects / key).read_bytes() == CONTENT
            assert (objects / key).exists() or not run.promised
        assert (objects / message_key(run.message)).exists() == (message_key(run.message) in journaled)
        assert not any(run.refused in key for key in journaled)
        stored = (objects / session_key(run.session)).read_bytes()
        assert stored.startswith(TRANSCRIPT)
        read_transcript(stored)
        assert session_key(run.session) in journaled
        assert list((run.data / "open").iterdir()) == []
