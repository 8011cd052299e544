"""Content that waits: the same bytes however it comes and wherever it lies, little of it in memory, no trace of it."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailscribe.errors import ConfigError, StoreFull, StoreUnavailable
from mailscribe_smtp import overflow
from mailscribe_smtp.overflow import GATHER_BYTES, MEMORY_BYTES, Overflow, check_overflow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=30), max_size=30), st.data())
def test_what_is_read_is_what_was_appended(
    monkeypatch: pytest.MonkeyPatch, chunks: list[bytes], data: st.DataObject
) -> None:
    monkeypatch.setattr(overflow, "MEMORY_BYTES", 100)
    monkeypatch.setattr(overflow, "GATHER_BYTES", 20)
    made, whole = Overflow(), b""
    for chunk in chunks:
        made.append(chunk)
        whole += chunk
        end = data.draw(st.integers(0, len(whole)))
        start = data.draw(st.integers(0, end))
        assert made.read(start, end) == whole[start:end]
        assert made.size == len(whole)
        assert made.held <= 100
    assert made.read(0, made.size) == whole
    made.close()
    made.close()
    assert made.held == 0


@pytest.mark.parametrize(("size", "in_memory"), [(-1, True), (0, True), (1, False)])
def test_content_stays_in_memory_up_to_its_limit(size: int, in_memory: bool) -> None:
    made = Overflow()
    made.append(b"x" * (MEMORY_BYTES + size))
    assert made.held == (made.size if in_memory else 0)
    made.close()


@pytest.mark.parametrize(("size", "in_memory"), [(-1, True), (0, True), (1, False)])
def test_larger_content_is_gathered_up_to_another(size: int, in_memory: bool) -> None:
    made = Overflow()
    made.append(b"x" * (MEMORY_BYTES + 1))
    made.append(b"y" * (GATHER_BYTES + size))
    assert made.held == (GATHER_BYTES + size if in_memory else 0)
    made.close()


def test_its_file_has_no_name(folder: Path) -> None:
    made = Overflow()
    made.append(b"x" * (MEMORY_BYTES + 1))
    assert list(folder.iterdir()) == []
    made.close()


def test_a_full_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Overflow()
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full)
        with pytest.raises(StoreFull):
            made.append(b"x" * (MEMORY_BYTES + 1))
    made.close()


def test_a_folder_that_is_gone_is_unavailable(folder: Path) -> None:
    made = Overflow()
    folder.rmdir()
    with pytest.raises(StoreUnavailable):
        made.append(b"x" * (MEMORY_BYTES + 1))
    made.close()


def test_what_was_dropped_cannot_be_read() -> None:
    for size in (1, MEMORY_BYTES + 1):
        made = Overflow()
        made.append(b"x" * size)
        made.close()
        with pytest.raises(StoreUnavailable):
            made.read(0, 1)


def test_a_file_that_lost_something_is_noticed() -> None:
    made = Overflow()
    made.append(b"x" * (MEMORY_BYTES + 1))
    assert made._file is not None
    made._file.truncate(10)
    assert made.read(0, 10) == b"x" * 10
    with pytest.raises(StoreUnavailable):
        made.read(0, 11)
    made.close()


def test_no_folder_for_temporary_files_is_said_at_the_start(folder: Path) -> None:
    check_overflow()
    folder.rmdir()
    with pytest.raises(ConfigError, match="TMPDIR"):
        check_overflow()
