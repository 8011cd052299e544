"""Listeners as they are written, and what each offers with what there is."""

import pytest

from mailscribe.errors import ConfigError
from mailscribe.settings import Settings
from mailscribe_smtp.listeners import PROFILES, Listener, parse_listener, service_of


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("192.0.2.1:25", Listener("192.0.2.1", 25, "mx")),
        ("127.0.0.1:587/submission", Listener("127.0.0.1", 587, "submission")),
        ("[::1]:465/submissions+proxy", Listener("::1", 465, "submissions", proxy=True)),
        ("host.test:25+proxy", Listener("host.test", 25, "mx", proxy=True)),
    ],
)
def test_listeners(text: str, listener: Listener) -> None:
    assert parse_listener(text) == listener


@pytest.mark.parametrize("text", ["", "25", "host", "h:x", "h:65536", ":25", "h:25/", "h:25/smtp", "h:25+tls", "h:25+"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_listener(text)


def test_what_a_profile_needs_must_be_there() -> None:
    for profile, has_tls, has_users in (
        ("submission", False, True),
        ("submissions", False, True),
        ("submission", True, False),
    ):
        with pytest.raises(ConfigError, match=profile):
            service_of(Listener("h", 1, profile), Settings(), has_tls=has_tls, has_users=has_users)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_offered(profile: str) -> None:
    service = service_of(
        Listener("h", 1, profile), Settings(classic=True, keep_refused=True), has_tls=True, has_users=True
    )
    assert service.classic
    assert service.keep_refused
    assert service.starttls != service.implicit_tls
    assert service.auth == (profile != "mx")
    assert not service.auth_in_clear or profile == "open"
    bare = service_of(Listener("h", 1, "open"), Settings(), has_tls=False, has_users=False)
    assert not bare.starttls
    assert not bare.auth
