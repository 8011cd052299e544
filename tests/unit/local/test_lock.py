"""One `up` per data folder."""

import os
import time
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError
from mailscribe_local.stack.lock import DataLock


def test_the_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    with DataLock(tmp_path / "data"), pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        DataLock(tmp_path / "data")


def test_the_lock_is_free_again_after_close(tmp_path: Path) -> None:
    with DataLock(tmp_path):
        pass
    with DataLock(tmp_path):
        pass


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with DataLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"--data .*file/data: cannot be written"):
        DataLock(tmp_path / "file" / "data")


def test_who_inherits_the_lock_holds_it(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    kept = os.dup(lock.fd)
    lock.close()
    with pytest.raises(ConfigError, match="in use"):
        DataLock(tmp_path)
    os.close(kept)
    DataLock(tmp_path).close()


def test_what_a_killed_holder_left_behind_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = DataLock(tmp_path)
    (tmp_path / "lock").write_text(f"{2**22 + 1}\n")  # no process has that number
    naps = 0

    def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps == 3:
            lock.close()

    monkeypatch.setattr(time, "sleep", nap)
    DataLock(tmp_path).close()
    assert naps == 3


@pytest.mark.parametrize("holder", ["", "no number", "9" * 30])
def test_a_holder_that_cannot_be_told_is_not_waited_for_long(
    tmp_path: Path, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailscribe_local.stack.lock.PATIENCE", 0.0)
    with DataLock(tmp_path):
        (tmp_path / "lock").write_text(holder)
        with pytest.raises(ConfigError, match=f"process {holder or 'unknown'}"):
            DataLock(tmp_path)
