"""The fuzz targets as tests: their seeds, what they found before, and some changes that are always the same."""

import random
from itertools import islice

import pytest

from fuzz import session
from fuzz.targets import TARGETS, found, mutations
from support.kinds import KINDS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    seeds = list(TARGETS[name].seeds())
    assert len(seeds) >= 4
    for seed in seeds:
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_found_before(name: str) -> None:
    for path in found(name):
        TARGETS[name].run(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_changes_by_chance(name: str) -> None:
    for data in islice(mutations(TARGETS[name], random.Random(1)), 300):
        TARGETS[name].run(data)


def test_seeds_of_sessions_reach_what_they_are_for() -> None:
    fates = {message.fate for seed in session.seeds() for message in session.play(seed, whole=True)[0].messages}
    assert fates >= {"stored", "kept", "failed", "refused", "aborted"}
    assert {seed[0] % len(KINDS) for seed in session.seeds()} == set(range(len(KINDS)))
