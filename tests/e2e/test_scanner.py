"""What a scanner finds: a server with named domains relays for nobody, and says who is there only if it means to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import need, run
from support.stack import Stack, running_stack

DIRECTORY = """\
domains: [example.org]
disclosure: {disclosure}
mailboxes:
  root@example.org: Charlie Root
  mable@example.org: Mable
"""


def scan(stack: Stack, scripts: str, *arguments: str) -> str:
    """What these scripts of nmap have to say; it never asks a name server."""
    nmap, names = need("nmap"), ",".join(f"+{name}" for name in scripts.split(","))
    given = ",".join(("smtp.domain=example.org", *arguments))
    options = ("-n", "-Pn", "-sT", "--script", names, "--script-args", given, "--script-timeout", "30s")
    return run(nmap, *options, "-p", str(stack.smtp_port), stack.smtp_host)


def named(folder: Path, disclosure: str) -> tuple[str, ...]:
    """Options for a system that takes mail for two mailboxes."""
    file = folder / "directory.yaml"
    file.write_text(DIRECTORY.format(disclosure=disclosure))
    return ("--directory", str(file), "--auth", "off")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """It tells nobody who is there."""
    folder = tmp_path_factory.mktemp("named")
    with running_stack(folder / "data", *named(folder, "none"), env={"MAILSCRIBE_CLASSIC": "off"}) as stack:
        yield stack
        assert not stack.get("/v1/messages").json["messages"]


@pytest.fixture(scope="module")
def disclosing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """It tells everybody."""
    folder = tmp_path_factory.mktemp("told")
    with running_stack(folder / "data", *named(folder, "all")) as stack:
        yield stack


def test_nmap_finds_no_open_relay(closed: Stack) -> None:
    output = scan(closed, "smtp-open-relay,smtp-strangeport", "smtp-open-relay.to=someone@example.net")
    assert "smtp-open-relay: Server doesn't seem to be an open relay, all tests failed" in output
    assert "smtp-strangeport: Mail server on unusual port" in output
    session = closed.wait_session("code:550 end:quit")
    assert session["outcome"] == ["rejected"]
    turns = closed.get(f"/v1/sessions/{session['id']}").json["turns"]
    tried = [(turn["reply"]["code"], turn["reply"]["enhanced"]) for turn in turns if turn["verb"] == "RCPT"]
    assert len(tried) > 10
    assert set(tried) <= {(550, "5.7.1"), (501, "5.1.3"), (553, "5.6.7")}


def test_nmap_sees_only_what_is_offered(closed: Stack) -> None:
    output = scan(closed, "smtp-commands")
    (said,) = re.findall(r"smtp-commands: (.*)", output)
    keywords = said.split(", ")[2:]
    assert keywords[:4] == ["PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8"]
    assert {"AUTH", "EXPN", "VRFY", "SEND", "STARTTLS"}.isdisjoint(word.split()[0] for word in keywords)


def test_nmap_finds_nobody_where_nothing_is_disclosed(closed: Stack) -> None:
    output = scan(closed, "smtp-enum-users", "smtp-enum-users.methods={VRFY,EXPN}")
    assert "root" not in output.partition("smtp-enum-users")[2]
    asked = closed.wait_session("verb:VRFY")
    turns = closed.get(f"/v1/sessions/{asked['id']}").json["turns"]
    assert {turn["reply"]["code"] for turn in turns if turn["verb"] in {"VRFY", "EXPN"}} == {252}


def test_nmap_finds_who_is_there_where_all_is_disclosed(disclosing: Stack) -> None:
    output = scan(disclosing, "smtp-enum-users", "smtp-enum-users.methods={VRFY}")
    found = output.partition("smtp-enum-users")[2]
    assert "root" in found
    assert "admin" not in found
