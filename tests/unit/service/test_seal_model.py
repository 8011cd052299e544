"""Whatever is sealed, merged, removed, written again, killed or done at once, every answer is the model's."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mailscribe.records import Kind
from support.sealed_world import KINDS, WORDS, Killed, World

NUMBERS = st.integers(0, 9)
CALLS = st.integers(0, 14)
KIND = st.sampled_from(KINDS)
TEXT = st.sets(st.sampled_from(WORDS))
DAY_MS = 86_400_000


class SealMachine(RuleBasedStateMachine):
    """One world; each rule is one thing that happens."""

    retention_days = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = World(retention_days=self.retention_days)

    @rule(kind=KIND, number=NUMBERS, words=TEXT, is_open=st.booleans())
    def write(self, kind: Kind, number: int, words: set[str], is_open: bool) -> None:
        """New, late (an old id) or written again."""
        self.world.write(kind, number, words, is_open=is_open)

    @rule(kind=KIND, numbers=st.lists(NUMBERS, min_size=2, max_size=6), words=TEXT)
    def write_many(self, kind: Kind, numbers: list[int], words: set[str]) -> None:
        for number in numbers:
            self.world.write(kind, number, words)

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        self.world.delete(number)

    @rule(kind=KIND)
    def seal(self, kind: Kind) -> None:
        self.world.sealer().seal(kind)

    @rule(kind=KIND)
    def merge(self, kind: Kind) -> None:
        self.world.merger().merge(kind)

    @rule(work=st.sampled_from(["seal", "merge", "purge", "tidy"]), kind=KIND, at=CALLS)
    def kill(self, work: str, kind: Kind, at: int) -> None:
        """A process dies before one of its calls."""

        def die() -> None:
            raise Killed

        with self.world.scripted(at, die):
            self._work(work, kind)()

    @rule(
        work=st.sampled_from(["seal", "merge"]),
        other=st.sampled_from(["seal", "merge", "write", "delete", "tidy"]),
        kind=KIND,
        at=CALLS,
        number=NUMBERS,
        words=TEXT,
    )
    def at_once(self, work: str, other: str, kind: Kind, at: int, number: int, words: set[str]) -> None:
        """Between two steps of one process another does all of its work."""

        def happen() -> None:
            if other == "write":
                self.world.write(kind, number, words)
            elif other == "delete":
                self.world.delete(number)
            else:
                self._work(other, kind)()

        with self.world.scripted(at, happen):
            self._work(work, kind)()

    @rule(hours=st.sampled_from([1, 2, 25, 24 * 8]))
    def later(self, hours: int) -> None:
        """Time goes on, and what is due is done."""
        self.world.clock.ms += hours * 3_600_000
        keeper = self.world.housekeeping()
        keeper.tidy()
        keeper.sweep()
        keeper.purge()

    @rule()
    def another_process(self) -> None:
        self.world.warm = self.world.search()

    @invariant()
    def the_answers_are_the_models(self) -> None:
        self.world.judge(self.world.warm)

    def teardown(self) -> None:
        self.world.judge(self.world.search())

    def _work(self, name: str, kind: Kind) -> Callable[[], object]:
        keeper = self.world.housekeeping()
        works: dict[str, Callable[[], object]] = {
            "seal": lambda: self.world.sealer().seal(kind),
            "merge": lambda: self.world.merger().merge(kind),
            "purge": keeper.purge,
            "tidy": keeper.tidy,
        }
        return works[name]


class ExpiringMachine(SealMachine):
    """The same where everything is gone after a week."""

    retention_days = 7


def test_every_answer_is_the_models() -> None:
    run_state_machine_as_test(
        SealMachine, settings=settings(max_examples=50, stateful_step_count=15, derandomize=True, database=None)
    )


def test_every_answer_is_the_models_while_documents_expire() -> None:
    run_state_machine_as_test(
        ExpiringMachine, settings=settings(max_examples=25, stateful_step_count=15, derandomize=True, database=None)
    )
