"""Any sequence of calls gives the same answers from an adapter as from the store in memory."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from mailscribe.errors import ConditionFailed, ObjectNotFound
from mailscribe.store.ports import (
    Absent,
    Check,
    Condition,
    Delete,
    Equals,
    Item,
    Key,
    ObjectInfo,
    Objects,
    Present,
    Put,
    Records,
    Write,
)
from support.adapters import OBJECTS, RECORDS, Clock
from support.stores import MemoryObjects, MemoryRecords

SORT_KEYS = st.sampled_from(["a", "a\0", "a ", "b", "é", "\uffff", "\U0001f4e7"])
BOUNDS = st.one_of(st.just(""), SORT_KEYS)
KEYS = st.builds(Key, st.sampled_from(["p", "q"]), SORT_KEYS)
CONDITIONS: st.SearchStrategy[Condition] = st.one_of(
    st.just(Absent()), st.just(Present()), st.builds(Equals, st.integers(0, 2))
)
OPTIONAL = st.one_of(st.none(), CONDITIONS)


@st.composite
def writes(draw: st.DrawFn, now: int) -> list[Write]:
    made: list[Write] = []
    for key in draw(st.lists(KEYS, max_size=4, unique=True)):
        expires = draw(st.one_of(st.none(), st.integers(now - 2, now + 4)))
        item = Item(*key, draw(st.binary(max_size=3)), draw(st.integers(0, 2)), expires)
        kinds: list[Write] = [Put(item, draw(OPTIONAL)), Delete(key, draw(OPTIONAL)), Check(key, draw(CONDITIONS))]
        made.append(draw(st.sampled_from(kinds)))
    return made


def outcome(records: Records, transaction: list[Write]) -> tuple[int, ...]:
    try:
        records.transact(transaction)
    except ConditionFailed as error:
        return error.failed
    return ()


class RecordsMachine(RuleBasedStateMachine):
    """Drives an adapter and the model with the same calls."""

    adapter = ""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock()
        self.model: Records = MemoryRecords(self.clock)
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.real = self.stack.enter_context(RECORDS[self.adapter](folder, self.clock))

    @rule(data=st.data())
    def transact(self, data: st.DataObject) -> None:
        transaction = data.draw(writes(self.clock.seconds))
        assert outcome(self.real, transaction) == outcome(self.model, transaction)

    @rule(keys=st.lists(KEYS, max_size=5))
    def get_many(self, keys: list[Key]) -> None:
        assert self.real.get_many(keys) == self.model.get_many(keys)

    @rule(pk=st.sampled_from(["p", "q", "r"]), start=BOUNDS, end=st.one_of(st.none(), BOUNDS), reverse=st.booleans())
    def query(self, pk: str, start: str, end: str | None, reverse: bool) -> None:
        for limit in (1000, 2):
            found = self.real.query(pk, start=start, end=end, reverse=reverse, limit=limit)
            assert found == self.model.query(pk, start=start, end=end, reverse=reverse, limit=limit)

    @rule(ms=st.sampled_from([1, 999, 1000, 2500, 61_000]))
    def wait(self, ms: int) -> None:
        self.clock.ms += ms

    def teardown(self) -> None:
        self.stack.close()


OBJECT_KEYS = st.sampled_from(["a/b", "a/c/d", "a-b", "a!", "b", "é/x", "z/\U0001f4e7"])
PREFIXES = st.sampled_from(["", "a", "a/", "a/c", "b", "é/", "nothing"])
AFTERS = st.one_of(st.just(""), OBJECT_KEYS, st.sampled_from(["a/", "a/c", "a/zz", "\U0010ffff"]))


def plain(info: ObjectInfo) -> tuple[str, int]:
    return info.key, info.size


class ObjectsMachine(RuleBasedStateMachine):
    """The same for objects."""

    adapter = ""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.model: Objects = MemoryObjects()
        self.there: set[str] = set()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.real = self.stack.enter_context(OBJECTS[self.adapter](folder))

    @rule(key=OBJECT_KEYS, chunks=st.lists(st.binary(max_size=5), max_size=3))
    def put(self, key: str, chunks: list[bytes]) -> None:
        assert plain(self.real.put(key, chunks)) == plain(self.model.put(key, chunks))
        self.there.add(key)

    @rule(key=OBJECT_KEYS)
    def delete(self, key: str) -> None:
        self.real.delete(key)
        self.model.delete(key)
        self.there.discard(key)

    @precondition(lambda self: self.there)
    @rule(data=st.data(), start=st.integers(0, 6), end=st.one_of(st.none(), st.integers(0, 20)))
    def get(self, data: st.DataObject, start: int, end: int | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.there)))
        assert self.real.get(key, start, end) == self.model.get(key, start, end)
        assert plain(self.real.head(key)) == plain(self.model.head(key))

    @rule(key=OBJECT_KEYS)
    def get_absent(self, key: str) -> None:
        if key not in self.there:
            with pytest.raises(ObjectNotFound):
                self.real.get(key)

    @rule(prefix=PREFIXES, after=AFTERS, limit=st.sampled_from([0, 1, 2, 1000]))
    def list_keys(self, prefix: str, after: str, limit: int) -> None:
        found = self.real.list(prefix, after=after, limit=limit)
        expected = self.model.list(prefix, after=after, limit=limit)
        assert [plain(info) for info in found] == [plain(info) for info in expected]

    def teardown(self) -> None:
        self.stack.close()


def run(machine: type[RuleBasedStateMachine], name: str, examples: int) -> None:
    chosen = type(f"{name}_{machine.__name__}", (machine,), {"adapter": name})
    if os.environ.get("CI"):
        examples *= 2
    run_state_machine_as_test(
        chosen,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


@pytest.mark.parametrize(("name", "examples"), [("sqlite", 60), ("dynamodb", 12), ("wrapped", 10)])
def test_records_as_the_model(name: str, examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    run(RecordsMachine, name, examples)


@pytest.mark.parametrize(("name", "examples"), [("files", 60), ("s3", 12), ("wrapped", 10)])
def test_objects_as_the_model(name: str, examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    run(ObjectsMachine, name, examples)
