"""The committer's groups: who waits for whom, and what is overtaken."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailscribe.errors import StoreError
from mailscribe_local import committer
from mailscribe_local.committer import Committer
from mailscribe_local.publisher import Publication, Publisher


class _Publisher(Publisher):
    """Notes the groups it is given, each by its keys."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []

    def publish(self, publications: Sequence[Publication]) -> list[StoreError | None]:
        self.groups.append([publication.key for publication in publications])
        return [None] * len(publications)

    def close(self) -> None:
        """Nothing is open."""


def _item(key: str) -> Publication:
    return Publication("", key, 0, [])


def _made() -> tuple[Committer, _Publisher]:
    publisher = _Publisher()
    return Committer(publisher, notify=lambda: None), publisher


@pytest.fixture
def linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """So long that no test sees its end."""
    monkeypatch.setattr(committer, "LINGER", 1000.0)


@pytest.mark.usefixtures("linger")
async def test_what_may_wait_is_overtaken_and_is_one_group_at_the_end() -> None:
    made, publisher = _made()
    waiting = [asyncio.ensure_future(made.publish(_item(f"t{number}"), may_wait=True)) for number in range(3)]
    await asyncio.sleep(0)
    await made.publish(_item("m0"))
    await made.publish(_item("m1"))
    assert not any(each.done() for each in waiting)
    await made.close()
    await asyncio.gather(*waiting)
    assert publisher.groups == [["m0"], ["m1"], ["t0", "t1", "t2"]]


@pytest.mark.usefixtures("linger")
async def test_so_many_do_not_wait_any_longer() -> None:
    made, publisher = _made()
    keys = [f"t{number}" for number in range(committer.LATER_GROUP)]
    await asyncio.gather(*(made.publish(_item(key), may_wait=True) for key in keys))
    assert publisher.groups == [keys]
    await made.close()


async def test_what_may_wait_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "LINGER", 0.0)
    made, publisher = _made()
    await made.publish(_item("t"), may_wait=True)
    assert publisher.groups == [["t"]]
    await made.close()


async def test_what_may_wait_has_its_turn_although_others_keep_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "LINGER", 0.0)
    made, publisher = _made()
    waiting = asyncio.ensure_future(made.publish(_item("t"), may_wait=True))
    number = 0
    while not waiting.done():
        number += 1
        await made.publish(_item(f"m{number}"))
    assert ["t"] in publisher.groups
    await made.close()


@pytest.mark.usefixtures("linger")
async def test_other_work_is_done_after_what_was_submitted_before(tmp_path: Path) -> None:
    made, publisher = _made()
    seen: list[int] = []
    published = asyncio.ensure_future(made.publish(_item("m")))
    await asyncio.sleep(0)
    await made.run(lambda: seen.append(len(publisher.groups)))
    await published
    assert seen == [1]
    await made.close()
