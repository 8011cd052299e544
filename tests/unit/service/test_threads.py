"""Threads over the API: messages of one are found by its id, in whatever order they came."""

from itertools import permutations

import pytest
from msgspec import UNSET

from mailscribe.service.project import Source, project
from support.api import ApiWorld
from support.shelf import NOW

MAILS = (
    b"Message-ID: <1@x>\r\nSubject: one\r\n\r\n",
    b"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Re: one\r\n\r\n",
    b"Message-ID: <3@x>\r\nReferences: <1@x> <2@x>\r\nSubject: another\r\n\r\n",
)
OTHER = b"Message-ID: <4@x>\r\nSubject: one\r\n\r\n"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_thread_is_found_by_its_id_in_any_order_of_coming(order: tuple[int, ...]) -> None:
    world = ApiWorld()
    ulids = {world.deliver(MAILS[at], number=number).messages[0] for number, at in enumerate(order, 1)}
    alone = world.deliver(OTHER, number=9).messages[0]
    records = [world.call(f"/v1/messages/{ulid}").json() for ulid in (*ulids, alone)]
    [*same, other] = [record["threadId"] for record in records]
    assert len(set(same)) == 1
    assert other not in same
    found = world.call("/v1/messages", {"q": f"thread:{same[0]}"}).json()["messages"]
    assert {each["id"] for each in found} == ulids
    assert world.call("/v1/messages", {"q": f"-thread:{same[0]}"}).json()["messages"][0]["id"] == alone


@pytest.mark.parametrize("value", ["x", "t1", "t" + "g" * 31, f"t{'0' * 30}*"])
def test_what_is_no_thread_is_refused(value: str) -> None:
    answer = ApiWorld().call("/v1/messages", {"q": f"thread:{value}"})
    assert answer.status == 400
    assert "hexadecimal" in answer.body.decode()


def test_a_message_that_could_not_be_parsed_has_none() -> None:
    source = Source(id="01ARZ3NDEKTSV4RRFFQ69G5FAV", key="k", received_at=NOW, traced=False)
    assert project(source, MAILS[0], abandon=True).record.thread_id is UNSET
    assert project(source, MAILS[0]).record.thread_id is not UNSET
