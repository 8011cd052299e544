"""Files that a power cut cannot take back: what is synced, in what order, and what is left when it fails."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailscribe.errors import StoreError, StoreFull, StoreUnavailable
from mailscribe_local import durable
from mailscribe_local.durable import (
    Folders,
    Move,
    create_temp,
    discard,
    fsync_folder,
    publish,
    remove,
    store_errors,
    sweep,
    write_all,
    write_temp,
)
from support.runners import in_threads


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced and renamed, by name and in order."""
    seen: list[str] = []
    names: dict[int, str] = {}
    opened, sync, replace = os.open, durable.sync, Path.replace

    def noted_open(path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(path, flags, mode)
        names[descriptor] = path.name
        return descriptor

    def noted_sync(descriptor: int) -> None:
        seen.append(f"sync {names[descriptor]}")
        sync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        seen.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "open", noted_open)
    monkeypatch.setattr(durable, "sync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    return seen


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "root")


def test_content_then_folders_then_name_then_folder(tmp_path: Path, calls: list[str]) -> None:
    folders = Folders(tmp_path / "root")
    folders.ensure(tmp_path / "root" / ".tmp")
    assert calls == [f"sync {tmp_path.name}", "sync root"]
    calls.clear()
    temporary, facts = write_temp(tmp_path / "root" / ".tmp", [b"one ", b"two"], modified_ns=1_700_000_000_123_456_789)
    publish([Move(temporary, tmp_path / "root" / "a" / "b" / "name")], folders)
    assert calls == [f"sync {temporary.name}", "sync root", "sync a", "rename name", "sync b"]
    target = tmp_path / "root" / "a" / "b" / "name"
    assert target.read_bytes() == b"one two"
    assert target.stat().st_mtime_ns == facts.st_mtime_ns == 1_700_000_000_123_456_789


def test_a_known_folder_is_not_synced_again(folders: Folders, calls: list[str]) -> None:
    for name in ("x", "y"):
        folders.ensure(folders.root / ".tmp")
        temporary, _ = write_temp(folders.root / ".tmp", [b""])
        calls.clear()
        publish([Move(temporary, folders.root / "a" / name)], folders)
    assert calls == ["rename y", "sync a"]


def test_a_folder_that_another_process_made_is_synced_before_use(folders: Folders, calls: list[str]) -> None:
    (folders.root / "a" / "b").mkdir(parents=True)
    folders.ensure(folders.root / "a" / "b")
    assert calls[1:] == ["sync root", "sync a"]


def test_many_names_in_one_folder_are_one_sync(folders: Folders, calls: list[str]) -> None:
    folders.ensure(folders.root / "a")
    moves = [Move(write_temp(folders.root, [b"x"])[0], folders.root / "a" / f"{number}") for number in range(3)]
    calls.clear()
    publish(moves, folders)
    assert calls == ["rename 0", "rename 1", "rename 2", "sync a"]


def test_publish_replaces(folders: Folders) -> None:
    target = folders.root / "a"
    for content in (b"old", b"new"):
        folders.ensure(folders.root)
        publish([Move(write_temp(folders.root, [content])[0], target)], folders)
    assert target.read_bytes() == b"new"
    assert [path.name for path in folders.root.iterdir()] == ["a"]


def test_a_folder_taken_away_is_made_again(folders: Folders) -> None:
    folders.ensure(folders.root / "a" / "b")
    temporary, _ = write_temp(folders.root, [b"x"])
    (folders.root / "a" / "b").rmdir()
    (folders.root / "a").rmdir()
    publish([Move(temporary, folders.root / "a" / "b" / "name")], folders)
    assert (folders.root / "a" / "b" / "name").read_bytes() == b"x"


def test_folders_from_many_threads(folders: Folders) -> None:
    in_threads(lambda number: folders.ensure(folders.root / "a" / f"{number % 3}"), 8)
    assert sorted(path.name for path in (folders.root / "a").iterdir()) == ["0", "1", "2"]


def test_files_and_folders_are_for_the_owner_alone(folders: Folders) -> None:
    folders.ensure(folders.root / "a")
    _, facts = write_temp(folders.root / "a", [b"x"])
    assert facts.st_mode & 0o777 == 0o600
    assert (folders.root / "a").stat().st_mode & 0o777 == 0o700


def test_write_all_goes_on_after_a_short_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    descriptor, path = create_temp(tmp_path)
    write_all(descriptor, b"0123456789")
    write_all(descriptor, memoryview(b"ab"))
    write_all(descriptor, b"")
    os.close(descriptor)
    assert path.read_bytes() == b"0123456789ab"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EFBIG, StoreFull),
        (errno.EIO, StoreUnavailable),
        (errno.EROFS, StoreUnavailable),
        (errno.EACCES, StoreUnavailable),
        (errno.EMFILE, StoreUnavailable),
    ],
)
@pytest.mark.parametrize("where", ["open", "write", "fsync", "utime", "fstat"])
def test_what_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, number: int, kind: type[StoreError]
) -> None:
    monkeypatch.setattr(os, where, failing(number))
    with pytest.raises(StoreError) as caught:
        write_temp(tmp_path, [b"x"])
    monkeypatch.undo()
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_given(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.ensure(folders.root)
    temporary, _ = write_temp(folders.root, [b"x"])
    monkeypatch.setattr(Path, "replace", failing(errno.ENOSPC))
    with pytest.raises(StoreFull):
        publish([Move(temporary, folders.root / "a")], folders)


def test_a_temporary_file_that_is_gone(folders: Folders) -> None:
    with pytest.raises(StoreUnavailable):
        publish([Move(folders.root / "gone", folders.root / "a")], folders)


def test_a_folder_that_is_a_file(folders: Folders) -> None:
    folders.ensure(folders.root)
    (folders.root / "a").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        folders.ensure(folders.root / "a")
    with pytest.raises(StoreUnavailable):
        folders.ensure(folders.root / "a" / "b")
    with pytest.raises(StoreUnavailable):
        fsync_folder(folders.root / "a")
    with pytest.raises(StoreUnavailable):
        fsync_folder(folders.root / "gone")


def test_what_fails_between_the_chunks_leaves_nothing(tmp_path: Path) -> None:
    def dying() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_temp(tmp_path, dying())
    assert list(tmp_path.iterdir()) == []


def test_remove(tmp_path: Path, calls: list[str]) -> None:
    (tmp_path / "a").write_bytes(b"")
    remove(tmp_path / "a")
    assert calls == [f"sync {tmp_path.name}"]
    for path in (tmp_path / "a", tmp_path / "no" / "folder", tmp_path):
        remove(path)
    assert tmp_path.is_dir()


def test_discard_never_raises(tmp_path: Path) -> None:
    discard(tmp_path / "gone")
    discard(tmp_path)


def test_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "gone") == 0
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"")
    assert sweep(tmp_path) == 2
    assert list(tmp_path.iterdir()) == []


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(KeyError), store_errors("x"):
        raise KeyError
