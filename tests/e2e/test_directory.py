"""A directory file at work: who is taken, who gets it, who is told; and that a change is in force without a restart."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.stack import Stack, running_stack
from support.wire import Wire

FILE = """\
disclosure: all
domains: {example.org: {max_size: 2k}}
mailboxes: {mable@example.org: Mable Merliney, bob@example.org: }
aliases: {support@example.org: mable@example.org}
lists: {staff@example.org: {name: The staff, members: [support@example.org, "Dora <dora@elsewhere.example>"]}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    folder = tmp_path_factory.mktemp("directory")
    path = folder / "directory.yaml"
    path.write_text(FILE)
    with running_stack(folder / "data", "--directory", str(path)) as stack:
        yield stack, path


def greeted(stack: Stack) -> Wire:
    wire = Wire(stack.smtp_host, stack.smtp_port)
    wire.reply()
    wire.say(b"EHLO client.example.com")
    return wire


def test_a_list_is_expanded_and_what_the_client_named_is_kept(running: tuple[Stack, Path]) -> None:
    stack, _ = running
    mark = uuid.uuid4().hex
    with greeted(stack) as wire:
        ulid = wire.deliver(f"Subject: {mark}\r\n\r\n".encode(), to=("staff@example.org", "bob@example.org"))
        wire.say(b"QUIT")
    (record,) = stack.wait_message(f"subject:{mark}")
    assert record["id"] == ulid
    assert [each["email"] for each in record["envelope"]["rcptTo"]] == ["staff@example.org", "bob@example.org"]
    assert record["deliveredTo"] == [
        {"email": "dora@elsewhere.example", "via": "staff@example.org"},
        {"email": "mable@example.org", "via": "staff@example.org"},
        {"email": "bob@example.org"},
    ]


def test_who_is_told_what(running: tuple[Stack, Path]) -> None:
    stack, _ = running
    with greeted(stack) as wire:
        assert wire.say(b"VRFY mable") == [b"250 2.1.5 Mable Merliney <mable@example.org>"]
        assert wire.code(b"VRFY nobody") == 550
        assert [line[4:9] for line in wire.say(b"EXPN staff")] == [b"2.1.5", b"2.1.5"]
        assert wire.code(b"MAIL FROM:<a@example.com> SIZE=2049") == 250
        assert wire.code(b"RCPT TO:<nobody@example.org>") == 550
        assert wire.code(b"RCPT TO:<bob@elsewhere.example>") == 550
        assert wire.code(b"RCPT TO:<bob@example.org>") == 552


def test_a_change_is_in_force_for_the_next_session_and_a_mistake_is_not(running: tuple[Stack, Path]) -> None:
    stack, path = running

    def put(text: str) -> None:
        new = path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, path)  # noqa: PTH105 - as an editor does

    def code() -> int:
        with greeted(stack) as wire:
            wire.say(b"MAIL FROM:<>")
            return wire.code(b"RCPT TO:<carol@example.org>")

    assert code() == 550
    put(FILE.replace("bob@example.org: ", "bob@example.org: , carol@example.org: Carol"))
    assert code() == 250
    put(FILE + "nonsense: true\n")
    assert code() == 250
    assert f"{path}:6: 'nonsense': there are" in stack.log.read_text()
    put(FILE)
    assert code() == 550
