"""Files dropped under inbound/: which are new, and when."""

from dataclasses import dataclass

from mailscribe_local.stack.inbound import EVERY_SECONDS, PATIENCE, SETTLE_MS, Inbound
from support.stores import MemoryObjects


@dataclass(slots=True)
class _Clock:
    ms: int = 1_000_000_000
    step: float = 0.0
    monotonic: float = 0.0

    def __call__(self) -> float:
        self.monotonic += self.step
        return self.monotonic


def _keys(inbound: Inbound) -> list[str]:
    return [line.key for line in inbound.poll()]


def test_a_file_is_found_once_and_again_when_it_was_replaced() -> None:
    clock = _Clock()
    objects = MemoryObjects(clock_ms=lambda: clock.ms)
    inbound = Inbound(objects, clock_ms=lambda: clock.ms, monotonic=clock)
    objects.put("inbound/a", [b"1"])
    objects.put("messages/b", [b"1"])
    assert _keys(inbound) == []  # it may still be written to
    clock.ms += SETTLE_MS
    clock.monotonic += EVERY_SECONDS
    assert _keys(inbound) == ["inbound/a"]
    clock.monotonic += EVERY_SECONDS
    assert _keys(inbound) == []
    objects.put("inbound/a", [b"22"])
    clock.ms += SETTLE_MS
    clock.monotonic += EVERY_SECONDS
    assert _keys(inbound) == ["inbound/a"]


def test_the_folder_is_not_looked_at_all_the_time() -> None:
    clock = _Clock()
    objects = MemoryObjects(clock_ms=lambda: clock.ms - SETTLE_MS)
    inbound = Inbound(objects, clock_ms=lambda: clock.ms, monotonic=clock)
    assert _keys(inbound) == []
    objects.put("inbound/a", [b"1"])
    assert _keys(inbound) == []
    clock.step = 2.0  # a look now takes two seconds or more
    clock.monotonic += EVERY_SECONDS
    assert _keys(inbound) == ["inbound/a"]
    clock.step = 0.0
    objects.put("inbound/b", [b"1"])
    clock.monotonic += PATIENCE * 2.0 - 1
    assert _keys(inbound) == []
    clock.monotonic += PATIENCE * 2.0
    assert _keys(inbound) == ["inbound/b"]
