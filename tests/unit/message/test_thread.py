"""The thread of a message, from its own header."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message import parse
from mailscribe.message.thread import thread_id


def thread(header: str, own: str = "own") -> str:
    parsed = parse(f"{header}\n\nbody".encode())
    return thread_id(parsed.message_id, parsed.in_reply_to, parsed.references, own)


FIRST = thread("Message-ID: <1@x>")


@pytest.mark.parametrize(
    "header",
    [
        "Message-ID: <2@x>\nIn-Reply-To: <1@x>",
        "Message-ID: <2@x>\nReferences: <1@x>",
        "Message-ID: <3@x>\nReferences: <1@x> <2@x>\nIn-Reply-To: <2@x>",
        "Message-ID: <3@x>\nReferences:\n <1@x>\n\t<2@x>",
        "Message-ID: <3@x>\nReferences: <1@x>,<2@x>",
        "In-Reply-To: Your message of Monday <1@x> (was: x)",
        "Message-ID: <3@x>\nReferences: \nIn-Reply-To: <1@x>",
        "Message-ID: <1@x>\nReferences: ()",
        "Message-ID: <1@x>\nSubject: another",
    ],
)
def test_what_leads_to_the_same_beginning_is_one_thread(header: str) -> None:
    assert thread(header) == FIRST


@pytest.mark.parametrize(
    "header",
    [
        "Message-ID: <2@x>",
        "Message-ID: <1@X>",
        "Message-ID: <3@x>\nIn-Reply-To: <2@x>",
        "Message-ID: <3@x>\nReferences: <2@x> <1@x>",
        "Subject: x",
    ],
)
def test_another_beginning_is_another_thread(header: str) -> None:
    assert thread(header) != FIRST


def test_without_any_id_a_message_is_its_own_thread() -> None:
    assert thread("Subject: x", "a") == thread("Subject: y", "a") != thread("Subject: x", "b")
    assert thread("Subject: x", "1@x") != FIRST


@given(st.lists(st.text(), max_size=3).map(tuple), st.text())
def test_any_ids_give_a_name(ids: tuple[str, ...], own: str) -> None:
    assert re.fullmatch("t[0-9a-f]{31}", thread_id(None, ids, None, own))
    assert re.fullmatch("t[0-9a-f]{31}", thread_id(ids, None, (), own))
