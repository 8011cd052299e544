"""Files dropped under inbound/: which are new, and when."""

from dataclasses import dataclass
from itertools import pairwise

import pytest

from mailscribe_local.journal import Line
from mailscribe_local.stack.inbound import EVERY_SECONDS, LONGEST_SECONDS, PATIENCE, SETTLE_MS, Inbound
from support.stores import MemoryObjects


@dataclass(slots=True)
class _Clock:
    """Wall clock in ms and monotonic seconds; each reading of the latter takes `step`."""

    ms: int = 1_000_000_000
    step: float = 0.0
    monotonic: float = 0.0

    def __call__(self) -> float:
        self.monotonic += self.step
        return self.monotonic

    def go(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
        self.monotonic += seconds


class _Folder:
    def __init__(self) -> None:
        self.clock = _Clock()
        self.objects = MemoryObjects(clock_ms=lambda: self.clock.ms)
        self.inbound = Inbound(self.objects, clock_ms=lambda: self.clock.ms, monotonic=self.clock)

    def put(self, name: str, data: bytes = b"x", *, age_ms: int = 0) -> None:
        self.clock.ms -= age_ms
        self.objects.put(name, [data])
        self.clock.ms += age_ms

    def look(self, seconds: float = EVERY_SECONDS) -> list[Line]:
        self.clock.go(seconds)
        return self.inbound.poll()

    def take(self, seconds: float = EVERY_SECONDS) -> list[str]:
        lines = self.look(seconds)
        for line in lines:
            self.inbound.done(line)
        return [line.key for line in lines]


@pytest.fixture
def folder() -> _Folder:
    return _Folder()


def test_a_file_is_taken_once_when_it_has_settled_and_two_looks_agree(folder: _Folder) -> None:
    folder.put("inbound/a")
    folder.put("messages/b")
    assert folder.take() == []
    assert folder.take(SETTLE_MS / 1000) == ["inbound/a"]
    assert folder.take() == []


def test_a_file_that_is_still_written_to_is_waited_for(folder: _Folder) -> None:
    for length in range(1, 5):
        folder.put("inbound/slow", b"x" * length)
        assert folder.take(SETTLE_MS / 1000) == []
    assert folder.take(SETTLE_MS / 1000) == ["inbound/slow"]


def test_a_file_that_is_replaced_is_another_mail(folder: _Folder) -> None:
    folder.put("inbound/a", b"1", age_ms=SETTLE_MS)
    folder.look()
    assert folder.take() == ["inbound/a"]
    folder.put("inbound/a", b"22", age_ms=SETTLE_MS)
    folder.look()
    assert folder.take() == ["inbound/a"]


@pytest.mark.parametrize("age_ms", [SETTLE_MS, 2_000_000_000, -1_000_000])
def test_files_of_any_age_and_of_a_time_to_come_are_taken(folder: _Folder, age_ms: int) -> None:
    folder.put("inbound/a", age_ms=age_ms)
    folder.look()
    assert folder.take() == ["inbound/a"]


def test_what_was_not_done_is_offered_again_less_and_less_often(folder: _Folder) -> None:
    folder.put("inbound/bad", age_ms=SETTLE_MS)
    folder.put("inbound/good", age_ms=SETTLE_MS)
    folder.look()
    first = folder.look()
    assert [line.key for line in first] == ["inbound/bad", "inbound/good"]
    folder.inbound.done(first[1])
    offered = [seconds for seconds in range(1, 2000) if [line.key for line in folder.look()] == ["inbound/bad"]]
    pauses = [later - earlier for earlier, later in pairwise(offered)]
    assert pauses[:5] == [2, 4, 8, 16, 32]
    assert max(pauses) == LONGEST_SECONDS


def test_the_folder_is_not_looked_at_all_the_time(folder: _Folder) -> None:
    folder.put("inbound/a", age_ms=SETTLE_MS)
    folder.look()
    assert folder.take(EVERY_SECONDS / 2) == []
    folder.clock.step = 2.0  # a look now takes two seconds or more
    assert folder.take() == ["inbound/a"]
    folder.clock.step = 0.0
    folder.put("inbound/b", age_ms=SETTLE_MS)
    assert folder.take(PATIENCE * 2.0 - 1) == []
    folder.take(PATIENCE * 2.0)
    assert folder.take() == ["inbound/b"]
