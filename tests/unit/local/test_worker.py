"""The embedded worker over a real journal, with an ingest that does what a test says."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.service.ingest import Ingest, ObjectCreated, Outcome
from mailscribe_local.files import FileObjects
from mailscribe_local.journal import JournalWriter, Line
from mailscribe_local.stack import worker as worker_module
from mailscribe_local.stack.inbound import Inbound
from mailscribe_local.stack.worker import KEPT, Receives, Worker, WorkerFiles

type Handle = Callable[[ObjectCreated], None]


class _Ingest(Ingest):
    """Notes what it is given, does what the test says, and tells when `expected` calls were made."""

    def __init__(self, handle: Handle, expected: int) -> None:
        self.seen: list[ObjectCreated] = []
        self.done = threading.Event()
        self._handle = handle
        self._expected = expected
        self.settling: list[Exception | None] = []
        self.never_settles: Exception | None = None

    def handle(self, event: ObjectCreated) -> Outcome:
        self.seen.append(event)
        try:
            self._handle(event)
        finally:
            if len(self.seen) >= self._expected:
                self.done.set()
        return Outcome.STORED

    def settle(self) -> None:
        if self.never_settles is not None:
            raise self.never_settles
        if self.settling and (error := self.settling.pop(0)) is not None:
            raise error


def _nothing(_: ObjectCreated) -> None:
    """Succeed."""


@contextmanager
def _working(data: Path, ingest: _Ingest, sync: Callable[[], None] = lambda: None) -> Iterator[int]:
    """A worker on a data folder; gives the descriptor that wakes it, and has the worker ended after the block."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    inbound = Inbound(FileObjects(data / "objects"))
    worker = Worker(WorkerFiles(data), ingest, inbound, wake_fd=reader, ingested=lambda: None, sync=sync)
    worker.start()
    try:
        yield writer
        assert ingest.done.wait(30)
    finally:
        worker.stop(30)
        assert not worker.is_alive()
        os.close(reader)
        os.close(writer)


def _write(data: Path, *keys: str) -> None:
    (data / "journal").mkdir(exist_ok=True)
    journal = JournalWriter(data / "journal")
    journal.append([Line(key, 1, 1_000) for key in keys])
    journal.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "PAUSES", (0.0, 0.0))


def test_what_was_journaled_before_and_after_the_start_is_ingested_in_order(tmp_path: Path) -> None:
    _write(tmp_path, "a", "b")
    ingest = _Ingest(_nothing, 3)
    with _working(tmp_path, ingest) as wake:
        _write(tmp_path, "c")
        os.write(wake, b"\n")
    assert [event.key for event in ingest.seen] == ["a", "b", "c"]
    assert ingest.seen[0] == ObjectCreated("a", 1, 1_000, receive_count=1)


def test_what_was_ingested_is_not_taken_again_after_a_restart(tmp_path: Path) -> None:
    _write(tmp_path, "a", "b")
    with _working(tmp_path, _Ingest(_nothing, 2)):
        pass
    _write(tmp_path, "c")
    ingest = _Ingest(_nothing, 1)
    with _working(tmp_path, ingest):
        pass
    assert [event.key for event in ingest.seen] == ["c"]


def test_the_checkpoint_is_written_when_a_batch_is_told_and_on_the_disk(tmp_path: Path) -> None:
    _write(tmp_path, "a", "b")
    position, seen, synced = tmp_path / "position.json", [], threading.Event()

    def sync() -> None:
        seen.append(([event.key for event in ingest.seen], position.exists()))
        synced.set()

    ingest = _Ingest(_nothing, 2)
    with _working(tmp_path, ingest, sync):
        assert synced.wait(30)
    assert seen == [(["a", "b"], False)]
    assert position.exists()


def test_the_journal_is_not_read_on_before_what_was_taken_is_on_the_disk(tmp_path: Path) -> None:
    for number in range(3):  # a file each: the reader removes one when it is asked for what comes after it
        _write(tmp_path, f"key{number}")
    kept: list[int] = []
    synced = threading.Event()

    def sync() -> None:
        kept.append(len(list((tmp_path / "journal").iterdir())))
        if len(kept) < 4:
            raise StoreUnavailable("down")
        synced.set()

    ingest = _Ingest(_nothing, 1)
    with _working(tmp_path, ingest, sync):
        assert synced.wait(30)
    assert kept[:4] == [3, 3, 3, 3]


@pytest.mark.parametrize("fails", ["settle", "sync"])
def test_what_could_not_be_told_or_synced_is_taken_again_after_a_restart(tmp_path: Path, fails: str) -> None:
    _write(tmp_path, "a")
    error = StoreUnavailable("down")

    def sync() -> None:
        if fails == "sync":
            raise error

    ingest = _Ingest(_nothing, 1)
    ingest.never_settles = error if fails == "settle" else None
    with _working(tmp_path, ingest, sync):
        pass
    again = _Ingest(_nothing, 1)
    with _working(tmp_path, again):
        pass
    assert [event.key for event in again.seen] == ["a"]


def test_what_could_not_be_told_is_told_later(tmp_path: Path) -> None:
    _write(tmp_path, "a")
    synced = threading.Event()
    ingest = _Ingest(_nothing, 1)
    ingest.settling = [StoreUnavailable("down"), None]
    with _working(tmp_path, ingest, synced.set) as wake:
        assert ingest.done.wait(30)
        os.write(wake, b"\n")
        assert synced.wait(30)
    assert ingest.settling == []


def test_a_fault_in_what_a_session_is_told_ends_nothing(tmp_path: Path) -> None:
    _write(tmp_path, "a")
    synced = threading.Event()
    ingest = _Ingest(_nothing, 1)
    ingest.settling = [ZeroDivisionError()]
    with _working(tmp_path, ingest, synced.set):
        assert synced.wait(30)
    assert (tmp_path / "position.json").exists()


def test_a_store_that_refuses_is_asked_again_and_that_is_no_further_receive(tmp_path: Path) -> None:
    _write(tmp_path, "a")
    left = [StoreUnavailable("down"), StoreUnavailable("down")]

    def refuse_twice(_: ObjectCreated) -> None:
        if left:
            raise left.pop()

    ingest = _Ingest(refuse_twice, 3)
    with _working(tmp_path, ingest):
        pass
    assert [event.receive_count for event in ingest.seen] == [1, 1, 1]
    assert not (tmp_path / "set-aside.jsonl").exists()


def test_what_is_always_refused_is_set_aside_and_tried_again_at_the_next_start(tmp_path: Path) -> None:
    _write(tmp_path, "bad", "good")

    def refuse(event: ObjectCreated) -> None:
        if event.key == "bad":
            raise StoreUnavailable("never")

    ingest = _Ingest(refuse, 4)
    with _working(tmp_path, ingest):
        pass
    assert [event.key for event in ingest.seen] == ["bad", "bad", "bad", "good"]
    again = _Ingest(_nothing, 1)
    with _working(tmp_path, again):
        pass
    assert [(event.key, event.size, event.at_ms) for event in again.seen] == [("bad", 1, 1_000)]
    assert not list(tmp_path.glob("set-aside.*"))


def test_a_fault_of_ours_counts_as_a_receive(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _write(tmp_path, "a")

    def fail_twice(event: ObjectCreated) -> None:
        if event.receive_count < 3:
            raise ZeroDivisionError

    ingest = _Ingest(fail_twice, 3)
    with _working(tmp_path, ingest):
        pass
    assert [event.receive_count for event in ingest.seen] == [1, 2, 3]


def test_a_start_that_was_killed_amid_what_was_set_aside_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "set-aside.retry").write_text('{"key":"a","size":1,"at_ms":1}\n{"key":"b","si')
    (tmp_path / "set-aside.jsonl").write_text('{"key":"c","size":1,"at_ms":1}\n')
    ingest = _Ingest(_nothing, 2)
    with _working(tmp_path, ingest):
        pass
    assert sorted(event.key for event in ingest.seen) == ["a", "c"]


def test_receives_count_the_beginnings_that_never_ended(tmp_path: Path) -> None:
    path = tmp_path / "receives.json"
    for expected in (1, 2, 3):
        dying = Receives(path)
        assert dying.begin("key") == expected
        dying.close()
    alive = Receives(path)
    assert alive.begin("another, longer key") == 1
    alive.end("another, longer key")
    assert alive.begin("another, longer key") == 1
    assert alive.begin("key") == 4
    alive.end("key")
    assert alive.begin("key") == 4
    alive.close()


def test_a_file_that_cannot_be_ingested_does_not_hold_up_the_journal(tmp_path: Path) -> None:
    bad = tmp_path / "objects" / "inbound" / "bad"
    bad.parent.mkdir(parents=True)
    bad.touch()
    os.utime(bad, (1_000_000, 1_000_000))
    (tmp_path / "journal").mkdir()
    refused = threading.Event()

    def refuse(event: ObjectCreated) -> None:
        if event.key == "inbound/bad":
            refused.set()
            raise StoreUnavailable("never")

    ingest = _Ingest(refuse, 2)
    with _working(tmp_path, ingest) as wake:
        assert refused.wait(30)
        _write(tmp_path, "good")
        os.write(wake, b"\n")
    assert [event.key for event in ingest.seen] == ["inbound/bad", "good"]
    assert not (tmp_path / "set-aside.jsonl").exists()


def test_only_so_many_beginnings_are_remembered(tmp_path: Path) -> None:
    receives = Receives(tmp_path / "receives.json")
    for number in range(KEPT + 1):
        assert receives.begin(str(number)) == 1
    assert receives.begin("0") == 1
    assert receives.begin(str(KEPT)) == 2
    receives.close()


def test_a_file_under_inbound_is_taken_once_when_it_has_settled(tmp_path: Path) -> None:
    inbound = tmp_path / "objects" / "inbound" / "some"
    inbound.mkdir(parents=True)
    (tmp_path / "journal").mkdir()
    (inbound / "mail.eml").write_bytes(b"Subject: x\r\n\r\n")
    os.utime(inbound / "mail.eml", (1_000_000, 1_000_000))
    ingest = _Ingest(_nothing, 1)
    with _working(tmp_path, ingest):
        pass
    assert [(event.key, event.at_ms) for event in ingest.seen] == [("inbound/some/mail.eml", 1_000_000_000)]


@pytest.mark.parametrize("garbage", [b"", b"{", b"[1]", b'{"key"}', b'{"key": "x"}', b'{"key": null}', b"null"])
def test_a_damaged_count_begins_anew(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "receives.json"
    path.write_bytes(garbage)
    receives = Receives(path)
    assert receives.begin("key") == 1
    receives.close()
