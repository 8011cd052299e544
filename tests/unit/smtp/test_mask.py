"""No secret of AUTH reaches a transcript, wherever and however it was sent."""

import pytest

from mailscribe.smtp.mask import Mask


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        (b"AUTH PLAIN AG1hYmxlAHNlY3JldHM=", b"AUTH PLAIN [masked 20]"),
        (b"auth plain x", b"auth plain [masked 1]"),
        (b"AuTh   LoGiN    secret  ", b"AuTh LoGiN [masked 6]"),
        (b"AUTH\tPLAIN\tsecret", b"AUTH PLAIN [masked 6]"),
        (b"  AUTH PLAIN secret", b"  AUTH PLAIN [masked 6]"),
        (b"AUTH", b"AUTH"),
        (b"AUTH LOGIN", b"AUTH LOGIN"),
        (b"AUTH c2VjcmV0", b"AUTH [masked 8]"),
        (b"AUTH PLAINc2VjcmV0", b"AUTH [masked 13]"),
        (b"AUTH=PLAIN secret", b"AUTH [masked 13]"),
        (b"AUTHPLAIN secret", b"AUTH [masked 12]"),
        (b"AUTH SCRAM-SHA-256 biws", b"AUTH SCRAM-SHA-256 [masked 4]"),
        (b"AUTH XOAUTH2 token", b"AUTH XOAUTH2 [masked 5]"),
        (b"\xff\xfb\x01AUTH PLAIN secret", b"\xff\xfb\x01AUTH PLAIN [masked 6]"),
        (b"EHLO x\nAUTH PLAIN secret\nMAIL FROM:<a@b.c>", b"EHLO x\nAUTH PLAIN [masked 24]"),
        (b"EHLO x\rAUTH PLAIN secret", b"EHLO x\rAUTH PLAIN [masked 6]"),
        (b"EHLO x\x00auth login", b"EHLO x\x00auth login"),
    ],
)
def test_auth_is_masked(line: bytes, masked: bytes) -> None:
    assert Mask().apply(line, is_known=True) == masked


@pytest.mark.parametrize("line", [b"XAUTH PLAIN secret", b"DO AUTH PLAIN secret", b"\x80.AUTH PLAIN secret"])
def test_auth_anywhere_in_what_is_no_command(line: bytes) -> None:
    assert b"secret" not in Mask().apply(line, is_known=False)


@pytest.mark.parametrize(
    "line", [b"MAIL FROM:<auth@b.c>", b"MAIL FROM:<a@b.c> AUTH=<>", b"HELP AUTH", b"EHLO auth.test"]
)
def test_auth_inside_a_known_command_is_no_secret(line: bytes) -> None:
    assert Mask().apply(line, is_known=True) == line


def test_blind_continuation_is_masked_for_good() -> None:
    mask = Mask()
    assert mask.apply(b"bWFibGU=", is_known=False) == b"bWFibGU="
    mask.apply(b"AUTH LOGIN", is_known=True)
    assert mask.apply(b"bWFibGU=", is_known=False) == b"[masked 8]"
    assert mask.apply(b"RSET", is_known=True) == b"RSET"
    assert mask.apply(b"c2VjcmV0", is_known=False) == b"[masked 8]"
    assert mask.apply(b"", is_known=False) == b"[masked 0]"


def test_the_length_counts_what_was_cut_off() -> None:
    assert Mask().apply(b"AUTH PLAIN sec", is_known=True, missing=10) == b"AUTH PLAIN [masked 13]"
    assert Mask().apply(b"AUTH PLAIN", is_known=True, missing=10) == b"AUTH PLAIN [masked 10]"


def test_an_exchange_is_masked_whole() -> None:
    assert Mask.continuation(8) == b"[masked 8]"
