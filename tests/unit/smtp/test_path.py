"""Paths (RFC 5321 section 4.1.2): what is one, what is not, which spellings are the same mailbox."""

import pytest

from mailscribe.smtp.path import Path, forward_path, reverse_path
from mailscribe.smtp.reply import Refused, ReplyName

HEX = "0123456789abcdef"


def domain_of(length: int) -> str:
    """A valid domain of that many octets."""
    return ("a" * 61 + ".") * (length // 62) + "b" * (length % 62) if length % 62 else "a" * (length - 2) + ".b"


def refusal(text: str, *, forward: bool = False) -> ReplyName:
    with pytest.raises(Refused) as raised:
        (forward_path if forward else reverse_path)(text)
    assert raised.value.name is not None
    return raised.value.name


@pytest.mark.parametrize(
    ("text", "email", "identity"),
    [
        ("<mable@sun.tuc.test.org>", "mable@sun.tuc.test.org", ("mable", "sun.tuc.test.org")),
        ("<>", "", ("", "")),
        ("<Mable@Test.ORG>", "Mable@Test.ORG", ("Mable", "test.org")),
        ("<@a.test,@b.test:u@d.test>", "u@d.test", ("u", "d.test")),
        ("<@a.test:u@d.test>", "u@d.test", ("u", "d.test")),
        ('<"a b"@d.test>', '"a b"@d.test', ("a b", "d.test")),
        ('<"a>b"@d.test>', '"a>b"@d.test', ("a>b", "d.test")),
        ('<"a\\"b"@d.test>', '"a\\"b"@d.test', ('a"b', "d.test")),
        ('<"a@b"@d.test>', '"a@b"@d.test', ("a@b", "d.test")),
        ('<"mable"@test.org>', '"mable"@test.org', ("mable", "test.org")),
        ('<""@d.test>', '""@d.test', ("", "d.test")),
        ("<a.b+c=d/e@x-1.test>", "a.b+c=d/e@x-1.test", ("a.b+c=d/e", "x-1.test")),
        ("<!#$%&'*+/=?^_`{|}~-@d>", "!#$%&'*+/=?^_`{|}~-@d", ("!#$%&'*+/=?^_`{|}~-", "d")),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ("a", "[192.0.2.1]")),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ("a", "[ipv6:2001:db8::1]")),
        ("<a@my_host>", "a@my_host", ("a", "my_host")),
        ("<a@localhost>", "a@localhost", ("a", "localhost")),
    ],
)
def test_paths(text: str, email: str, identity: tuple[str, str]) -> None:
    assert reverse_path(text) == (Path(email, identity), "")


@pytest.mark.parametrize("text", ["<a@b.c> SIZE=1", '<"> SIZE=9"@b.c> SIZE=1', "a@b.c SIZE=1"])
def test_the_rest_begins_after_the_path(text: str) -> None:
    assert reverse_path(text)[1] == " SIZE=1"


def test_a_path_without_brackets_is_marked() -> None:
    path, rest = reverse_path("mable@test.org SIZE=1")
    assert (path.email, path.bracketed, rest) == ("mable@test.org", False, " SIZE=1")


@pytest.mark.parametrize(
    "text",
    [
        "<mable>",
        "<mable@>",
        "<@test.org>",
        "<a@b@c>",
        "<a b@c.d>",
        "< a@b.c>",
        "<a@b.c >",
        "<a@b.c",
        "<a@b..c>",
        "<.a@b.c>",
        "<a.@b.c>",
        "<a..b@c.d>",
        "<a@-b.c>",
        "<a@b-.c>",
        "<a@b.c.>",
        "<a@.b>",
        "<(a)@b.c>",
        "<a,b@c.d>",
        "<a:b@c.d>",
        "<a@b:c>",
        '<"a@b.c>',
        '<"a"b@c.d>',
        '<a"b"@c.d>',
        "<a\\b@c.d>",
        "<a@[]>",
        "<a@[1.2.3]>",
        "<a@[256.1.1.1]>",
        "<a@[1.2.3.4.5]>",
        "<a@[IPv6:]>",
        "<a@[IPv6:1::2::3]>",
        "<a@[IPv6:g::1]>",
        "<a@[tag:x]>",
        "<a@[1.2.3.4>",
        "<@a.b,c.d:e@f.g>",
        "<@a.b>",
        "<<a@b.c>>",
        ">a@b.c<",
        "<postmaster>",
    ],
)
def test_what_is_no_sender(text: str) -> None:
    assert refusal(text) is ReplyName.BAD_SENDER


@pytest.mark.parametrize("text", ["<>", "<mable>", "<a@b..c>", "mable", "<post master>", "<postmasters>"])
def test_what_is_no_recipient(text: str) -> None:
    assert refusal(text, forward=True) is ReplyName.BAD_RECIPIENT


@pytest.mark.parametrize("text", ["<Postmaster>", "<postmaster>", "<POSTMASTER>", "postmaster"])
def test_postmaster_needs_no_domain(text: str) -> None:
    path, _ = forward_path(text)
    assert path.identity == ("postmaster", "")
    assert path.email == text.strip("<>")


def test_spellings_of_one_mailbox_are_one_identity() -> None:
    spellings = (
        "<mable@test.org>",
        '<"mable"@TEST.org>',
        '<"m\\able"@test.org>',
        "<@relay.test:mable@test.org>",
        "mable@Test.Org",
    )
    assert len({forward_path(text)[0].identity for text in spellings}) == 1
    assert forward_path("<PostMaster@test.org>")[0].identity == forward_path("<postmaster@test.org>")[0].identity
    assert forward_path("<Mable@test.org>")[0].identity != forward_path("<mable@test.org>")[0].identity


@pytest.mark.parametrize("text", ["", " "])
def test_no_path_at_all(text: str) -> None:
    assert refusal(text.strip()) is ReplyName.MAIL_SYNTAX
    assert refusal(text.strip(), forward=True) is ReplyName.RCPT_SYNTAX


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("<mäble@test.org>", ("mäble", "test.org")),
        ("<mable@TÉST.org>", ("mable", "tést.org")),
        ("mäble@test.org", ("mäble", "test.org")),
        ('<"ä b"@x.y>', ("ä b", "x.y")),
        ("<用户@例子.广告>", ("用户", "例子.广告")),
        ("<@relay.test:अजय@डाटा.भारत>", ("अजय", "डाटा.भारत")),
        ("<👍@x.y>", ("👍", "x.y")),
        ("<" + "é" * 32 + "@x.y>", ("é" * 32, "x.y")),
    ],
)
def test_outside_ascii(text: str, identity: tuple[str, str]) -> None:
    for parse in (reverse_path, forward_path):
        path, rest = parse(text)
        assert (path.identity, path.is_ascii, rest) == (identity, False, "")


@pytest.mark.parametrize(
    "text",
    [
        "<\ufffd@x>",
        "<a\u0085b@x.y>",
        "<a\u00a0b@x.y>",
        "<a\u2028b@x.y>",
        "<a\u202eb@x.y>",
        "<a@x\u200b.y>",
        "<ä..b@x.y>",
        "<ä@>",
        "<ä@-x.y>",
        "<" + "é" * 33 + "@x.y>",
        "<a@" + "é" * 128 + ".y>",
    ],
)
def test_refused_outside_ascii(text: str) -> None:
    assert refusal(text) in (ReplyName.NON_ASCII_ADDRESS, ReplyName.BAD_SENDER)
    assert refusal(text, forward=True) in (ReplyName.NON_ASCII_ADDRESS, ReplyName.BAD_RECIPIENT)


@pytest.mark.parametrize("text", ["<a\x07@b.c>", "<a@b\x01.c>", '<"a\x02"@b.c>', "<a@b.c\x7f>", "<a\tb@c.d>"])
def test_controls(text: str) -> None:
    assert refusal(text) is ReplyName.CONTROL_IN_ARGUMENT


@pytest.mark.parametrize(("length", "is_good"), [(63, True), (64, True), (65, False)])
def test_local_part_limit(length: int, is_good: bool) -> None:
    for text in (f"<{'a' * length}@b.c>", f'<"{"a" * (length - 2)}"@b.c>'):
        if is_good:
            assert reverse_path(text)[1] == ""
        else:
            assert refusal(text) is ReplyName.BAD_SENDER
            assert refusal(text, forward=True) is ReplyName.BAD_RECIPIENT


@pytest.mark.parametrize(("length", "is_good"), [(255, True), (256, True), (257, False)])
def test_path_limit(length: int, is_good: bool) -> None:
    text = f"<a@{domain_of(length - 4)}>"
    assert len(text) == length
    if is_good:
        assert reverse_path(text)[1] == ""
    else:
        assert refusal(text) is ReplyName.BAD_SENDER


def test_the_route_counts_into_the_path() -> None:
    route = f"@{domain_of(200)}:"
    assert reverse_path(f"<{route}{'a' * 40}@b.cd>")[0].email == "a" * 40 + "@b.cd"
    assert refusal(f"<{route}{'a' * 49}@b.cd>") is ReplyName.BAD_SENDER


def test_long_nonsense_ends_quickly() -> None:
    for text in (
        "<" + "a" * 60_000,
        "<" + '"' * 60_001,
        '<"' + "\\a" * 30_000,
        "<" + "@a," * 20_000,
        "<" + "a.-" * 20_000 + ">",
    ):
        assert refusal(text) is ReplyName.BAD_SENDER
