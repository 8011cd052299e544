"""One `up` per data folder."""

import os
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
