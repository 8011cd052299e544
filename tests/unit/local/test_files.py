"""FileObjects where it is a folder: layout, what is not listed, faults of the disk (the port: tests/contract)."""

import errno
import os
from pathlib import Path

import pytest

from mailscribe.errors import ObjectNotFound, StoreFull, StoreUnavailable
from mailscribe_local import durable
from mailscribe_local.durable import sweep
from mailscribe_local.files import TEMPORARY, FileObjects


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path / "objects")


def left(objects: FileObjects) -> list[Path]:
    return list((objects.root / TEMPORARY).iterdir())


def test_an_object_is_the_file_of_its_key(objects: FileObjects) -> None:
    objects.put("messages/2016/07/30/x.eml", [b"x"])
    assert (objects.root / "messages/2016/07/30/x.eml").read_bytes() == b"x"
    assert left(objects) == []


def lowest_free_descriptor() -> int:
    descriptor = os.open("/", os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def test_nothing_is_made_before_the_first_put(objects: FileObjects) -> None:
    assert objects.list("") == []
    with pytest.raises(ObjectNotFound):
        objects.get("a")
    objects.delete("a")
    assert not objects.root.exists()


def test_a_relative_root_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    objects = FileObjects(Path("here"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    objects.put("a", [b"x"])
    assert (tmp_path / "here" / "a").read_bytes() == b"x"


def test_what_is_being_written_is_not_listed(objects: FileObjects) -> None:
    objects.put("a", [b"x"])
    (objects.root / TEMPORARY / "half").write_bytes(b"h")
    assert [info.key for info in objects.list("")] == ["a"]
    assert objects.list(TEMPORARY) == []
    for call in (lambda: objects.get(f"{TEMPORARY}/half"), lambda: objects.put(f"{TEMPORARY}/x", [])):
        with pytest.raises(ValueError, match="reserved"):
            call()
    objects.put(f"a{TEMPORARY}", [b""])
    objects.put(f"b/{TEMPORARY}/c", [b""])
    assert [info.key for info in objects.list("")] == ["a", f"a{TEMPORARY}", f"b/{TEMPORARY}/c"]
    assert sweep(objects.root / TEMPORARY) == 1


def test_the_etag_is_of_size_and_time_and_survives_a_copy(tmp_path: Path) -> None:
    times = iter([1_700_000_000_000_000_001, 1_700_000_000_000_000_002])
    objects = FileObjects(tmp_path / "one", clock_ns=lambda: next(times))
    first, second = objects.put("a", [b"x"]), objects.put("a", [b"y"])
    assert (first.size, first.modified_ms) == (second.size, second.modified_ms) == (1, 1_700_000_000_000)
    assert first.etag != second.etag
    copy = FileObjects(tmp_path / "two")
    copy.root.mkdir()
    (copy.root / "a").write_bytes(b"y")
    os.utime(copy.root / "a", ns=(0, 1_700_000_000_000_000_002))
    assert copy.head("a") == second


def test_files_that_no_key_can_name_are_not_listed(objects: FileObjects) -> None:
    objects.put("inbound/good", [b""])
    (objects.root / "inbound" / os.fsdecode(b"latin\xe9")).write_bytes(b"")
    (objects.root / "inbound" / "folder").mkdir()
    (objects.root / "inbound" / "dangling").symlink_to("nowhere")
    os.mkfifo(objects.root / "inbound" / "pipe")
    assert [info.key for info in objects.list("")] == ["inbound/good"]
    for key in ("inbound/folder", "inbound/dangling", "inbound/pipe"):
        with pytest.raises(ObjectNotFound):
            objects.get(key)
        with pytest.raises(ObjectNotFound):
            objects.head(key)


def test_a_key_below_another_key(objects: FileObjects) -> None:
    """S3 can hold both; a folder cannot, and says so without harm."""
    objects.put("a", [b"x"])
    with pytest.raises(StoreUnavailable):
        objects.put("a/b", [b"y"])
    with pytest.raises(ObjectNotFound):
        objects.get("a/b")
    objects.put("c/d", [b"y"])
    with pytest.raises(StoreUnavailable):
        objects.put("c", [b"x"])
    assert [info.key for info in objects.list("")] == ["a", "c/d"]
    assert left(objects) == []


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreUnavailable)])
@pytest.mark.parametrize("where", ["write", "fsync"])
def test_a_put_that_the_disk_refuses(
    objects: FileObjects, monkeypatch: pytest.MonkeyPatch, where: str, number: int, kind: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    objects.put("a", [b"old"])
    monkeypatch.setattr(os, where, fail)
    with pytest.raises(kind):
        objects.put("a", [b"new"])
    monkeypatch.undo()
    assert objects.get("a") == b"old"
    assert left(objects) == []
    objects.put("a", [b"new"])
    assert objects.get("a") == b"new"


def test_a_put_whose_last_sync_fails_is_not_acknowledged(objects: FileObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    objects.put("a", [b"old"])

    def fail(folder: Path) -> None:
        raise StoreUnavailable(str(folder))

    monkeypatch.setattr("mailscribe_local.durable.fsync_folder", fail)
    with pytest.raises(StoreUnavailable):
        objects.put("b", [b"x"])
    monkeypatch.undo()
    assert left(objects) == []


def test_a_root_that_went_away_comes_back(objects: FileObjects) -> None:
    objects.put("a", [b"x"])
    objects.root.rename(objects.root.with_name("moved"))
    with pytest.raises(StoreUnavailable):
        objects.put("b", [b"y"])
    objects.put("b", [b"y"])
    assert [info.key for info in objects.list("")] == ["b"]


def test_a_root_where_nothing_may_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    objects = FileObjects(tmp_path / "file" / "objects")
    with pytest.raises(StoreUnavailable):
        objects.put("a", [b"x"])
    with pytest.raises(ObjectNotFound):
        objects.get("a")
    assert objects.list("") == []


def test_reading_leaves_no_file_open(objects: FileObjects) -> None:
    objects.put("a", [b"x"])
    (objects.root / "folder").mkdir()
    before = lowest_free_descriptor()
    for _ in range(20):
        objects.get("a")
        with pytest.raises(ObjectNotFound):
            objects.get("folder")
        with pytest.raises(StoreUnavailable):
            objects.put("folder", [b""])
    assert lowest_free_descriptor() == before


def test_every_put_is_synced(objects: FileObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(durable, "sync", synced.append)
    objects.put("a/b", [b"x"])
    synced.clear()
    objects.put("a/c", [b"x"])
    assert len(synced) == 2  # the file and its folder
