"""What a dead front end leaves: live transcripts are closed as lost, promised messages are journaled, the rest goes."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError, StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.smtp import Peer, Session, read_transcript
from mailscribe.store.keys import message_key, session_key
from mailscribe_local import durable
from mailscribe_local.journal import JournalReader, Position
from mailscribe_local.recovery import Recovered, recover_open_sessions
from mailscribe_local.spool import LocalSpool

new_id = UlidFactory()


def _transcript(ulid: str, *commands: bytes) -> bytes:
    session = Session(
        Settings(domains=("*",)), Peer("127.0.0.1", 4711), session_id=ulid, opened=datetime.now(UTC), new_id=new_id
    )
    session.open(0)
    for number, command in enumerate(commands):
        session.receive(command + b"\r\n", number * 1000)
    return session.transcript()


def _live(data: Path, ulid: str, content: bytes) -> Path:
    folder = data / "open"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{ulid}.jsonl"
    path.write_bytes(content)
    return path


def _keys(data: Path) -> list[str]:
    return [entry.key for entry in JournalReader(data / "journal", Position.START).read(1000)]


def _session(data: Path, ulid: str) -> bytes:
    return (data / "objects" / session_key(ulid)).read_bytes()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    assert not list((tmp_path / "data" / "open").glob("*.jsonl"))


@pytest.mark.parametrize("torn", [b"", b'{"t":', b'{"t":1,"dir":"C","line":"QUIT"}', b"\0" * 100])
def test_a_live_transcript_is_closed_as_lost_without_its_torn_line(data: Path, torn: bytes) -> None:
    ulid = new_id()
    content = _transcript(ulid, b"EHLO me.example", b"MAIL FROM:<a@example.org>")
    _live(data, ulid, content + torn)
    assert recover_open_sessions(data) == Recovered(published=1)
    stored = _session(data, ulid)
    assert stored.startswith(content)
    end = read_transcript(stored).end
    assert end is not None
    assert end.end == "lost"
    assert _keys(data) == [session_key(ulid)]


def test_a_transcript_that_had_ended_is_published_as_it_is(data: Path) -> None:
    ulid = new_id()
    content = _transcript(ulid, b"QUIT")
    _live(data, ulid, content)
    recover_open_sessions(data)
    assert _session(data, ulid) == content


def test_lines_behind_a_damaged_one_are_dropped(data: Path) -> None:
    ulid = new_id()
    content = _transcript(ulid, b"EHLO me.example")
    _live(data, ulid, content + b"\0\0\0\n" + content)
    recover_open_sessions(data)
    stored = _session(data, ulid)
    assert stored.startswith(content)
    assert stored.count(b"\n") == content.count(b"\n") + 1


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 50])
def test_a_transcript_that_never_began_is_removed(data: Path, content: bytes) -> None:
    ulid = new_id()
    _live(data, ulid, content)
    assert recover_open_sessions(data) == Recovered()
    assert not (data / "objects" / session_key(ulid)).exists()


def test_what_is_no_transcript_is_set_aside(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = _live(data, new_id(), b"my notes\n")
    with caplog.at_level(logging.WARNING):
        assert recover_open_sessions(data) == Recovered()
    assert path.with_suffix(".corrupt").read_bytes() == b"my notes\n"
    assert "set aside" in caplog.text


def test_a_message_that_was_never_visible_is_removed(data: Path) -> None:
    (data / "open").mkdir(parents=True)
    (data / "open" / f"{new_id()}.eml").write_bytes(b"half")
    assert recover_open_sessions(data) == Recovered()
    assert list((data / "open").iterdir()) == []


def test_a_message_that_was_visible_is_journaled(data: Path) -> None:
    ulid = new_id()
    source, target = data / "open" / f"{ulid}.eml", data / "objects" / message_key(ulid)
    source.parent.mkdir(parents=True)
    target.parent.mkdir(parents=True)
    source.write_bytes(b"whole")
    target.hardlink_to(source)
    assert recover_open_sessions(data) == Recovered(published=1)
    [entry] = JournalReader(data / "journal", Position.START).read(10)
    assert (entry.key, entry.size) == (message_key(ulid), 5)
    assert target.read_bytes() == b"whole"
    assert not source.exists()


def test_other_files_are_left_alone(data: Path) -> None:
    (data / "open").mkdir(parents=True)
    for name in ("README", f"{new_id()}.txt"):
        (data / "open" / name).write_text("mine")
    assert recover_open_sessions(data) == Recovered()
    assert len(list((data / "open").iterdir())) == 2


def test_an_empty_data_folder_is_made(data: Path) -> None:
    assert recover_open_sessions(data) == Recovered()
    assert recover_open_sessions(data) == Recovered()


def test_many_are_published(data: Path) -> None:
    ulids = [new_id() for _ in range(300)]
    for ulid in ulids:
        _live(data, ulid, _transcript(ulid))
    assert recover_open_sessions(data) == Recovered(published=300)
    assert _keys(data) == [session_key(ulid) for ulid in ulids]


def test_what_cannot_be_published_waits_for_the_next_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ulid = new_id()
    path = _live(data, ulid, _transcript(ulid))

    def fail(*arguments: object) -> None:
        raise StoreUnavailable("disk")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "finish", fail)
        assert recover_open_sessions(data) == Recovered(waiting=1)
    assert path.exists()
    assert recover_open_sessions(data) == Recovered(published=1)


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        recover_open_sessions(tmp_path / "file")


async def test_a_spool_that_was_not_closed_is_recovered(data: Path) -> None:
    spool = LocalSpool(data, notify=lambda: None)
    ulid = new_id()
    spool.transcript(ulid).append(_transcript(ulid, b"EHLO me.example"))
    large = spool.message(new_id())
    large.write(b"x" * 200_000)
    await spool.close()
    assert recover_open_sessions(data) == Recovered(published=1)
    assert list((data / "open").iterdir()) == []
    await large.abort()
