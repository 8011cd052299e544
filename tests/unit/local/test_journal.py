"""The journal: what was appended is read once each, in order, over restarts, torn lines and rotation."""

import errno
from pathlib import Path

import pytest

from mailscribe.errors import StoreFull
from mailscribe.ids import make_ulid
from mailscribe_local import durable
from mailscribe_local.journal import Entry, JournalReader, JournalWriter, Line, Position

FUTURE_MS = 1 << 47


def _line(number: int) -> Line:
    return Line(f"messages/{number}", number, 1_700_000_000_000 + number)


def _append(folder: Path, *numbers: int) -> None:
    writer = JournalWriter(folder)
    writer.append([_line(number) for number in numbers])
    writer.close()


def _numbers(entries: list[Entry]) -> list[int]:
    return [entry.size for entry in entries]


def _read_all(reader: JournalReader) -> list[int]:
    numbers: list[int] = []
    while entries := reader.read(2):
        numbers += _numbers(entries)
    return numbers


def test_entries_come_in_order_with_all_they_say(tmp_path: Path) -> None:
    _append(tmp_path, 1, 2)
    first, second = JournalReader(tmp_path, Position.START).read(10)
    assert (first.key, first.size, first.at_ms) == ("messages/1", 1, 1_700_000_000_001)
    assert first.position_after < second.position_after


def test_no_folder_and_no_file_are_no_entries(tmp_path: Path) -> None:
    assert JournalReader(tmp_path / "absent", Position.START).read(10) == []
    assert JournalReader(tmp_path, Position.START).read(10) == []


def test_a_reader_goes_on_from_the_position_after_any_entry(tmp_path: Path) -> None:
    _append(tmp_path, 1, 2, 3)
    _append(tmp_path, 4)
    for entry in JournalReader(tmp_path, Position.START).read(3):
        later = JournalReader(tmp_path, Position.from_json(entry.position_after.to_json()))
        assert _read_all(later) == list(range(entry.size + 1, 5))
        if not (tmp_path / entry.position_after.file).exists():
            break


def test_a_reader_sees_what_is_appended_while_it_reads(tmp_path: Path) -> None:
    writer, reader = JournalWriter(tmp_path), JournalReader(tmp_path, Position.START)
    for number in range(5):
        writer.append([_line(number)])
        assert _numbers(reader.read(10)) == [number]
        assert reader.read(10) == []
    writer.close()


@pytest.mark.parametrize("torn", [b"{", b'{"key":"messages/9","size":9,"at":9}', b"\x00" * 4096])
def test_a_torn_last_line_is_passed_over_once_there_is_a_successor(tmp_path: Path, torn: bytes) -> None:
    _append(tmp_path, 1)
    [path] = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(torn)
    reader = JournalReader(tmp_path, Position.START)
    assert _numbers(reader.read(10)) == [1]
    assert reader.read(10) == []
    _append(tmp_path, 2)
    assert _numbers(reader.read(10)) == [2]
    assert reader.skipped == 0


def test_a_line_that_ends_later_is_read_then(tmp_path: Path) -> None:
    _append(tmp_path, 1)
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:5])
    reader = JournalReader(tmp_path, Position.START)
    assert reader.read(10) == []
    path.write_bytes(whole)
    assert _numbers(reader.read(10)) == [1]


@pytest.mark.parametrize("garbage", [b"\n", b"{}\n", b"\xff\n", b"x" * 200_000 + b"\n", b'{"key":1,"size":1,"at":1}\n'])
def test_a_whole_line_that_is_none_is_skipped_and_counted(tmp_path: Path, garbage: bytes) -> None:
    _append(tmp_path, 1)
    [path] = tmp_path.iterdir()
    path.write_bytes(garbage + path.read_bytes())
    reader = JournalReader(tmp_path, Position.START)
    assert _numbers(reader.read(10)) == [1]
    assert reader.skipped > 0


def test_files_rotate_and_those_done_with_are_removed(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, rotate_bytes=100)
    for number in range(10):
        writer.append([_line(number)])
    writer.close()
    assert len(list(tmp_path.iterdir())) > 3
    reader = JournalReader(tmp_path, Position.START)
    assert _read_all(reader) == list(range(10))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_stays_until_the_read_after_its_last_entry(tmp_path: Path) -> None:
    _append(tmp_path, 1)
    _append(tmp_path, 2)
    reader = JournalReader(tmp_path, Position.START)
    reader.read(10)
    assert _numbers(reader.read(10)) == [2]
    assert len(list(tmp_path.iterdir())) == 2
    reader.read(10)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_position_in_a_file_that_is_gone_begins_at_the_first_there_is(tmp_path: Path) -> None:
    _append(tmp_path, 1)
    assert _read_all(JournalReader(tmp_path, Position(make_ulid(FUTURE_MS, 0) + ".log", 7))) == [1]


def test_names_rise_although_the_clock_steps_back(tmp_path: Path) -> None:
    (tmp_path / f"{make_ulid(FUTURE_MS, 5)}.log").write_bytes(b"")
    _append(tmp_path, 1)
    reader = JournalReader(tmp_path, Position(f"{make_ulid(FUTURE_MS, 5)}.log", 0))
    assert _numbers(reader.read(10)) == [1]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("mine")
    _append(tmp_path, 1)
    assert _read_all(JournalReader(tmp_path, Position.START)) == [1]
    assert (tmp_path / "notes.log").read_text() == "mine"


def test_a_failed_append_is_reported_and_the_next_begins_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter(tmp_path)
    writer.append([_line(1)])

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync", fail)
        with pytest.raises(StoreFull):
            writer.append([_line(2)])
    writer.append([_line(3)])
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert _read_all(JournalReader(tmp_path, Position.START)) == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file":"a"}', '{"file":"a","offset":"x"}', "null"])
def test_a_position_that_is_none_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Position.from_json(text)
