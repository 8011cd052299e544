"""`mailscribe watch` and the streams under it, with a real stack: nothing missed, nothing obeyed, presence in force."""

import contextlib
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from mailscribe.service.presence import is_live
from mailscribe.store.keys import PRESENCE, presence_key
from support.stack import Stack, eventually, mailscribe, running_stack
from support.terminal import on_terminal

_DIRECTORY = """\
domains: {test.org: {unlisted: refuse}}
mailboxes: {ann@test.org: Ann, bob@test.org: Bob}
lists: {team@test.org: {members: [ann@test.org, bob@test.org]}}
"""


class Watch:
    """A running `mailscribe watch` whose output is a pipe, and who ends with the block."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def line(self) -> str:
        """The next line, without its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().removesuffix("\n")

    def end(self) -> tuple[int, str, str]:
        """Ctrl-C; exit code and what was still to be read."""
        while True:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, notes = self.process.communicate(timeout=1)
                return self.process.returncode, output, notes


@contextlib.contextmanager
def watching(stack: Stack, *arguments: str) -> Iterator[Watch]:
    """A watch that says everything from now on."""
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    command = [sys.executable, "-c", f"{code} from mailscribe_local.cli import main; raise SystemExit(main())"]
    with subprocess.Popen(
        [*command, "watch", *arguments],
        env=stack.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Watch(process)
        finally:
            process.kill()


def send(stack: Stack, to: str | Sequence[str], subject: str, text: str = "Hello,\nthis is it.\n") -> None:
    with smtplib.SMTP(stack.smtp_host, stack.smtp_port) as client:
        content = f"From: Jürgen <j@example.com>\nSubject: {subject}\n\n{text}"
        client.sendmail("j@example.com", to, content.replace("\n", "\r\n").encode())


def is_watched(stack: Stack, address: str) -> bool:
    path = stack.data / "objects" / presence_key(address)
    return path.exists() and is_live(path.read_bytes(), datetime.now(UTC))


def send_to_terminal(stack: Stack, verb: str, to: str, subject: str) -> list[tuple[int, str]]:
    """The replies to SEND, SOML, SAML or MAIL, to RCPT and, if that was taken, to the end of data."""
    with smtplib.SMTP(stack.smtp_host, stack.smtp_port) as client:
        client.helo("example.com")
        replies = [client.docmd(f"{verb} FROM:<j@example.com>"), client.docmd(f"RCPT TO:<{to}>")]
        if replies[-1][0] == 250:
            replies.append(client.data(f"From: j@example.com\r\nSubject: {subject}\r\n\r\nLunch?\r\n"))
    return [(code, text.decode()) for code, text in replies]


def mailbox() -> str:
    return f"{uuid.uuid4().hex}@example.org"


def test_a_watched_address_is_a_terminal(embedded: Stack) -> None:
    address = mailbox()
    with watching(embedded, address) as watch:
        assert watch.line() == f"watching {address} ..."
        assert is_watched(embedded, address.upper())
        send(embedded, mailbox(), "for somebody else")
        send(embedded, ["ann@example.org", address], "order 1042")
        time, author, subject = watch.line().split("\t")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time)
        assert (author, subject) == ("Jürgen <j@example.com>", "order 1042")
        assert [watch.line() for _ in range(3)] == ["Hello,", "this is it.", ""]
        send(embedded, address, "another", "no end of line")
        assert watch.line().endswith("\tanother")
        assert [watch.line() for _ in range(2)] == ["no end of line", ""]
        assert watch.end() == (0, "", "")
    eventually(lambda: not is_watched(embedded, address))
    assert not (embedded.data / "objects" / presence_key(address)).exists()


def test_without_an_address_all_mail_is_listed_and_nobody_is_watched(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    before = set((embedded.data / "objects" / PRESENCE).glob("*"))
    with watching(embedded, "--query", f"subject:{mark}") as watch:
        assert watch.line() == "watching ..."
        for number in range(3):
            send(embedded, mailbox(), f"{mark} {number}")
            send(embedded, mailbox(), "something else")
        assert [watch.line().split("\t")[2] for _ in range(3)] == [f"{mark} {number}" for number in range(3)]
        assert set((embedded.data / "objects" / PRESENCE).glob("*")) <= before
        assert watch.end()[0] == 0


def test_json_and_count_are_for_scripts(stack: Stack) -> None:
    address = mailbox()
    with watching(stack, address, "--json", "--count", "2") as watch:
        assert watch.process.stderr is not None
        assert watch.process.stderr.readline() == f"watching {address} ...\n"
        for number in (1, 2, 3):
            send(stack, address, f"order {number}")
        output, notes = watch.process.communicate(timeout=60)
    events = [json.loads(line) for line in output.splitlines()]
    assert watch.process.returncode == 0
    assert notes == ""
    assert {event["type"] for event in events} == {"message.received"}
    assert len({event["id"] for event in events}) == 2
    assert {event["detail"]["subject"] for event in events} < {"order 1", "order 2", "order 3"}


def test_what_is_past_is_shown_when_asked_for(embedded: Stack) -> None:
    address = mailbox()
    send(embedded, address, "before")
    embedded.wait_message(f"rcpt:{address}")
    with watching(embedded, address, "--since", "15m", "--count", "1") as watch:
        assert watch.line().endswith("\tbefore")
        assert watch.process.wait(60) == 0


def test_a_server_that_is_killed_again_and_again_costs_no_event(tmp_path: Path) -> None:
    address, count = mailbox(), 60
    with running_stack(tmp_path / "data") as stack, watching(stack, address, "--json", "--count", str(count)) as watch:
        assert watch.process.stderr is not None
        watch.process.stderr.readline()
        for number in range(count):
            send(stack, address, str(number))
            if number % 20 == 10:
                os.kill(eventually(lambda: stack.children().get("core")), signal.SIGKILL)
        output, notes = watch.process.communicate(timeout=120)
        events = [json.loads(line) for line in output.splitlines()]
        assert sorted(int(event["detail"]["subject"]) for event in events) == list(range(count))
        ids = [event["id"] for event in events]
        assert ids == sorted(ids)
        assert "the connection is lost; trying again\n" in notes
        assert "connected again; nothing is missing\n" in notes
        assert watch.process.returncode == 0


def test_a_stack_that_restarts_is_watched_on(tmp_path: Path) -> None:
    address = mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = ("--http", f"127.0.0.1:{port}")
    with running_stack(tmp_path / "data", *place) as first, watching(first, address) as watch:
        assert watch.line() == f"watching {address} ..."
        assert first.stop() == 0
        assert not is_watched(first, address)
        with running_stack(tmp_path / "data", *place) as second:
            send(second, address, "after")
            assert watch.line().endswith("\tafter")
            eventually(lambda: is_watched(second, address))
            assert watch.end()[0] == 0
    assert "Traceback" not in first.log.read_text()


def test_a_watcher_that_dies_is_watched_no_more(embedded: Stack) -> None:
    address = mailbox()
    with watching(embedded, address) as watch:
        watch.line()
        assert is_watched(embedded, address)
        watch.process.kill()
        eventually(lambda: not is_watched(embedded, address))


def test_a_mail_drives_no_terminal_and_ctrl_c_ends_with_whole_lines(embedded: Stack) -> None:
    address, evil = mailbox(), "\x1b[2J\x1b]0;owned\x07"
    with on_terminal("watch", address, env=embedded.env()) as terminal:
        terminal.wait_for(f"watching {address} ...\n")
        send(embedded, address, f"{evil}subject", f"{evil}text\n")
        shown = terminal.wait_for("text\n\n")
        terminal.interrupt()
        assert terminal.end() == 0
    assert "\x1b" not in shown
    assert "\a" not in shown
    line = shown.split("\n")[1]
    assert re.fullmatch(r"\d\d:\d\d:\d\d  Jürgen <j@example\.com>  .*subject", line)
    assert r"\x1b[2J" in line
    assert "Traceback" not in terminal.shown


def test_a_bell_is_rung_when_asked_for(embedded: Stack) -> None:
    address = mailbox()
    with on_terminal("watch", address, "--bell", "--count", "1", env=embedded.env()) as terminal:
        terminal.wait_for("...\n")
        send(embedded, address, "ding")
        assert terminal.end() == 0
    assert terminal.shown.count("\a") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["bob"], 2, "watch: not a mailbox such as user@example.org"),
        (["--query", "nonsense:1"], 2, "at character 0"),
        (["--since", "whenever"], 2, "since"),
        (["--count", "0"], 2, "a number from 1 on"),
    ],
)
def test_what_cannot_be_watched(arguments: list[str], code: int, complaint: str, embedded: Stack) -> None:
    done = mailscribe("watch", *arguments, env=embedded.env())
    assert done.returncode == code, done.stderr
    assert complaint in done.stderr
    assert done.stdout == ""


def test_not_with_that_token_and_not_without_a_server(embedded: Stack) -> None:
    wrong = mailscribe("watch", env=embedded.env() | {"MAILSCRIBE_TOKEN": "wrong"})
    assert (wrong.returncode, wrong.stdout) == (4, "")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    nobody = mailscribe("watch", env=embedded.env() | {"MAILSCRIBE_URL": url})
    assert nobody.returncode == 3
    assert nobody.stderr == f"mailscribe watch: {url} does not answer; is `mailscribe up` running?\n"


def test_streams_and_polls_have_the_same_events_in_commit_order(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    place = stack.get("/v1/events?timeout=0").json["next"]
    for number in range(5):
        send(stack, mailbox(), f"{mark} {number}")
    stack.wait_message(f"subject:{mark}", count=5)
    polled: list[str] = []
    since = place
    while page := stack.get(f"/v1/events?q=subject:{mark}&timeout=1&since={since}").json:
        polled += [event["id"] for event in page["events"]]
        since = page["next"]
        if len(set(polled)) == 5:
            break
    pool = urllib3.PoolManager(retries=False, timeout=60.0)
    headers = {"Authorization": f"Bearer {stack.token}", "Accept": "text/event-stream", "Last-Event-ID": place}
    url = f"{stack.url}/v1/events?q=subject:{mark}"
    streamed: list[str] = []
    answer = pool.request("GET", url, headers=headers, preload_content=False)
    text = b""
    for piece in answer.stream(1 << 16):
        text += piece
        streamed = re.findall(r"^id: (\S+)\nevent: message\.received$", text.decode(), re.MULTILINE)
        if len(set(streamed)) == 5:
            break
    answer.close()
    assert answer.headers["content-type"] == "text/event-stream"
    assert list(dict.fromkeys(streamed)) == sorted(set(polled))


def test_send_reaches_a_terminal_and_nothing_else(stack: Stack) -> None:
    """RFC 821 3.4: SEND is for whoever watches now; to an address that nobody watches it is refused for now."""
    address, mark = mailbox(), uuid.uuid4().hex
    sender, recipient = send_to_terminal(stack, "SEND", address, mark)
    assert sender[0] == 250
    assert (recipient[0], recipient[1].split()[0]) == (450, "4.2.1")
    with watching(stack, address) as watch:
        assert watch.line() == f"watching {address} ..."
        eventually(lambda: send_to_terminal(stack, "SEND", address, mark)[-1][0] == 250)
        assert watch.line().endswith(f"\tj@example.com\t{mark}")
        assert watch.line() == "Lunch?"
        (record,) = stack.wait_message(f"subject:{mark}")
        assert record["delivery"] == "terminal"
        watch.end()
    if (stack.data / "objects").exists():  # what lies in a bucket is looked for every few seconds only
        eventually(lambda: send_to_terminal(stack, "SEND", address, "x")[1][0] == 450)


@pytest.mark.parametrize(("verb", "delivery"), [("SOML", "terminal-or-mailbox"), ("SAML", "both"), ("MAIL", "mailbox")])
def test_the_other_verbs_need_no_terminal_and_reach_one(verb: str, delivery: str, embedded: Stack) -> None:
    address, mark = mailbox(), uuid.uuid4().hex
    assert [code for code, _ in send_to_terminal(embedded, verb, address, f"{mark} unseen")] == [250] * 3
    embedded.wait_message(f"subject:{mark}")
    with watching(embedded, address) as watch:
        watch.line()
        assert [code for code, _ in send_to_terminal(embedded, verb, address, mark)] == [250] * 3
        assert watch.line().endswith(f"\t{mark}")
        watch.end()
    records = embedded.wait_message(f"subject:{mark}", count=2)
    assert {record["delivery"] for record in records} == {delivery}


def test_who_watches_a_list_s_member_takes_what_is_sent_to_the_list(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text(_DIRECTORY)
    with running_stack(tmp_path / "data", "--directory", str(tmp_path / "directory.yaml")) as stack:
        assert send_to_terminal(stack, "SEND", "team@test.org", "nobody")[1][0] == 450
        with watching(stack, "ann@test.org") as watch:
            assert watch.line() == "watching ann@test.org ..."
            assert send_to_terminal(stack, "SEND", "team@test.org", "meeting")[-1][0] == 250
            assert watch.line().endswith("\tmeeting")
