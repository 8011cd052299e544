"""The file spool: groups, failures of single steps, live transcripts, and what a crash in between leaves."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError, StoreError, StoreFull, StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.store.keys import message_key, session_key
from mailscribe_local import durable, publisher
from mailscribe_local.journal import JournalReader, Position
from mailscribe_local.publisher import Publication, Publisher
from mailscribe_local.spool import SPILL_BYTES, LocalSpool

new_id = UlidFactory()


def _journaled(data: Path) -> list[str]:
    return [entry.key for entry in JournalReader(data / "journal", Position.START).read(1000)]


def _objects(data: Path) -> list[str]:
    root = data / "objects"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def _failing(code: int) -> Callable[..., None]:
    def fail(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


async def _store(spool: LocalSpool, ulid: str, content: bytes = b"content") -> None:
    writer = spool.message(ulid)
    writer.write(content)
    await writer.commit()


async def test_a_commit_is_journaled_with_its_size_before_it_returns(tmp_path: Path) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    ulid = new_id()
    await _store(spool, ulid, b"x" * 1234)
    [entry] = JournalReader(tmp_path / "journal", Position.START).read(10)
    assert (entry.key, entry.size) == (message_key(ulid), 1234)
    await spool.close()


async def test_what_waits_together_is_one_journal_fsync(tmp_path: Path) -> None:
    began, go_on = threading.Event(), threading.Event()
    notified: list[int] = []

    def notify() -> None:
        notified.append(1)
        began.set()
        go_on.wait(10)

    spool = LocalSpool(tmp_path, notify=notify)
    await _store(spool, new_id())
    await asyncio.to_thread(began.wait, 10)
    ulids = [new_id() for _ in range(50)]
    commits = [asyncio.ensure_future(_store(spool, ulid)) for ulid in ulids]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*commits)
    await spool.close()
    assert len(notified) == 2
    assert _journaled(tmp_path)[1:] == [message_key(ulid) for ulid in ulids]


async def test_notify_that_fails_costs_nobody_a_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def notify() -> None:
        raise RuntimeError("nobody there")

    spool = LocalSpool(tmp_path, notify=notify)
    await _store(spool, new_id())
    await _store(spool, new_id())
    await spool.close()
    assert len(_journaled(tmp_path)) == 2
    assert "group" in caplog.text


async def test_large_content_goes_to_its_file_while_it_arrives(tmp_path: Path) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    ulid = new_id()
    writer = spool.message(ulid)
    writer.write(b"x" * SPILL_BYTES)
    assert writer.held == SPILL_BYTES
    writer.write(b"y")
    assert writer.held == 0
    assert (tmp_path / "open" / f"{ulid}.eml").stat().st_size == SPILL_BYTES + 1
    assert _objects(tmp_path) == []
    await writer.abort()
    assert list((tmp_path / "open").iterdir()) == []
    await spool.close()


async def test_no_room_while_writing_shows_at_commit_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    writer = spool.message(new_id())
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _failing(errno.ENOSPC))
        writer.write(b"x" * (SPILL_BYTES + 1))
    writer.write(b"more")
    with pytest.raises(StoreFull):
        await writer.commit()
    await writer.abort()
    assert list((tmp_path / "open").iterdir()) == []
    await spool.close()


STEPS = [
    (durable, "finish", errno.EIO, StoreUnavailable),
    (durable, "finish", errno.ENOSPC, StoreFull),
    (publisher, "_link", errno.EDQUOT, StoreFull),
    (durable, "fsync_folder", errno.EIO, StoreUnavailable),
]


@pytest.mark.parametrize(("module", "step", "code", "error"), STEPS)
async def test_a_step_that_fails_leaves_nothing_visible_or_journaled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, step: str, code: int, error: type[StoreError]
) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    await _store(spool, new_id())
    before = _objects(tmp_path)

    def fail(*arguments: object) -> None:
        with durable.store_errors(step):
            _failing(code)()

    with monkeypatch.context() as patch:
        patch.setattr(module, step, fail)
        writer = spool.message(new_id())
        writer.write(b"x")
        with pytest.raises(error):
            await writer.commit()
        await writer.abort()
    assert _objects(tmp_path) == before
    assert len(_journaled(tmp_path)) == 1
    assert list((tmp_path / "open").iterdir()) == []
    await _store(spool, new_id())
    await spool.close()
    assert len(_journaled(tmp_path)) == 2


async def test_a_journal_that_fails_takes_the_objects_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    real = durable.write_all

    def fail(descriptor: int, data: bytes) -> None:
        if b'"key"' in data:
            with durable.store_errors("journal"):
                _failing(errno.EIO)()
        real(descriptor, data)

    monkeypatch.setattr(durable, "write_all", fail)
    with pytest.raises(StoreUnavailable):
        await _store(spool, new_id())
    assert _objects(tmp_path) == []
    await spool.close()


async def test_an_unforeseen_failure_is_unavailable_and_the_thread_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(durable, "finish", fail)
        with pytest.raises(StoreUnavailable):
            await _store(spool, new_id())
    await _store(spool, new_id())
    assert await spool.healthy()
    await spool.close()
    assert not await spool.healthy()
    with pytest.raises(StoreUnavailable):
        await _store(spool, new_id())


async def test_a_transcript_is_in_its_file_as_its_lines_come(tmp_path: Path) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    ulid = new_id()
    writer = spool.transcript(ulid)
    path = tmp_path / "open" / f"{ulid}.jsonl"
    for number in range(3):
        writer.append(b"%d\n" % number)
        assert path.read_bytes().endswith(b"%d\n" % number)
    await writer.close()
    assert not path.exists()
    assert _journaled(tmp_path) == [session_key(ulid)]
    await spool.close()


async def test_a_transcript_that_could_not_be_written_or_closed_is_whole_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    ulid = new_id()
    writer = spool.transcript(ulid)
    writer.append(b"1\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _failing(errno.ENOSPC))
        writer.append(b"2\n")
        with pytest.raises(StoreFull):
            await writer.close()
    with monkeypatch.context() as patch:
        patch.setattr(durable, "fsync_folder", _raise_unavailable)
        with pytest.raises(StoreUnavailable):
            await writer.close()
    assert _objects(tmp_path) == []
    await writer.close()
    assert (tmp_path / "objects" / session_key(ulid)).read_bytes() == b"1\n2\n"
    await spool.close()


def _raise_unavailable(folder: Path) -> None:
    raise StoreUnavailable(str(folder))


def test_without_hard_links_it_renames_and_can_take_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Publisher(tmp_path)
    monkeypatch.setattr(os, "link", _failing(errno.EPERM))
    ulid = new_id()
    item = Publication(str(made.open / f"{ulid}.jsonl"), session_key(ulid), 0, [b"a\n"])
    with monkeypatch.context() as patch:
        patch.setattr(durable, "fsync_folder", _raise_unavailable)
        [outcome] = made.publish([item])
    assert isinstance(outcome, StoreError)
    assert _objects(tmp_path) == []
    assert Path(item.source).read_bytes() == b"a\n"
    assert made.publish([item]) == [None]
    assert _objects(tmp_path) == [session_key(ulid)]
    assert list(made.open.iterdir()) == []
    made.close()


def test_a_cancelled_publication_is_not_begun(tmp_path: Path) -> None:
    made = Publisher(tmp_path)
    item = Publication(str(made.open / "x.eml"), message_key(new_id()), 0, [b"x"], cancelled=True)
    [outcome] = made.publish([item])
    assert isinstance(outcome, StoreUnavailable)
    assert _objects(tmp_path) == []
    made.close()


async def test_folders_that_somebody_removed_are_made_again(tmp_path: Path) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    ulid = new_id()
    await _store(spool, ulid)
    path = tmp_path / "objects" / message_key(ulid)
    path.unlink()
    for folder in list(path.parents)[:4]:
        folder.rmdir()
    await _store(spool, new_id())
    await spool.close()
    assert len(_objects(tmp_path)) == 1


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="file"):
        LocalSpool(tmp_path / "file", notify=lambda: None)


async def test_a_disk_that_hangs_does_not_keep_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("mailscribe_local.committer.CLOSE_SECONDS", 0.0)

    def notify() -> None:
        go_on.wait(30)

    spool = LocalSpool(tmp_path, notify=notify)
    await _store(spool, new_id())
    await spool.close()
    assert "does not answer" in caplog.text
    go_on.set()
    await asyncio.to_thread(spool._committer._thread.join)
