"""What a scanner finds: a server with named domains relays for nobody, and says no more than it means to."""

from collections.abc import Iterator

import pytest

from support.clients import need, run
from support.stack import Stack, running_stack


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system that takes mail for one domain, and tells nobody who is there."""
    data = tmp_path_factory.mktemp("named") / "data"
    env = {"MAILSCRIBE_DOMAINS": "example.org", "MAILSCRIBE_DISCLOSURE": "none", "MAILSCRIBE_CLASSIC": "off"}
    with running_stack(data, "--auth", "off", env=env) as stack:
        yield stack


def test_nmap_finds_no_open_relay(named: Stack) -> None:
    nmap = need("nmap")
    scripts = "smtp-open-relay,smtp-commands,smtp-enum-users,smtp-strangeport"
    options = ("-n", "-Pn", "-sT", "--script", f"+{scripts.replace(',', ',+')}", "--script-timeout", "30s")
    output = run(nmap, *options, "-p", str(named.smtp_port), "127.0.0.1")
    assert "Server doesn't seem to be an open relay" in output
    assert "PIPELINING, SIZE 52428800" in output
    for word in ("AUTH", "EXPN", "VRFY", "SEND"):
        assert f" {word}" not in output.partition("smtp-commands")[2].partition("\n")[0]
    refused = named.wait_session("code:550")
    assert "delivered" not in refused["outcome"]
    assert not named.get("/v1/messages").json["messages"]
