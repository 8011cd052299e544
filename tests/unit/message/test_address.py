"""Address fields: what stands there, and who is meant."""

import pytest

from mailscribe.message import Address, Group
from mailscribe.message.address import parse_addresses, parse_groups

type Pairs = list[tuple[str | None, str]]

CASES: list[tuple[str, Pairs]] = [
    # RFC 5322 as written
    ("a@b.example", [(None, "a@b.example")]),
    (" a@b.example \r\n", [(None, "a@b.example")]),
    ("<a@b.example>", [(None, "a@b.example")]),
    ("Ann <a@b.example>", [("Ann", "a@b.example")]),
    ("Ann Bee <a@b.example>, c@d.example", [("Ann Bee", "a@b.example"), (None, "c@d.example")]),
    ('"Bee, Ann" <a@b.example>', [("Bee, Ann", "a@b.example")]),
    ('"Ann \\"A\\" Bee" <a@b.example>', [('Ann "A" Bee', "a@b.example")]),
    ('"Ann" Bee <a@b.example>', [("Ann Bee", "a@b.example")]),
    ('"a b"@c.example', [(None, '"a b"@c.example')]),
    ('<"a b"@c.example>', [(None, '"a b"@c.example')]),
    ("a@[192.0.2.1]", [(None, "a@[192.0.2.1]")]),
    ("Ann <a@[IPv6:2001:db8::1]>", [("Ann", "a@[IPv6:2001:db8::1]")]),
    ("Ann\r\n Bee\r\n <a@b.example>", [("Ann Bee", "a@b.example")]),
    # comments
    ("a@b.example (Ann)", [("Ann", "a@b.example")]),
    ("<a@b.example> (Ann)", [("Ann", "a@b.example")]),
    ("(Ann) a@b.example", [("Ann", "a@b.example")]),
    ("a@b.example (Ann (really))", [("Ann (really)", "a@b.example")]),
    ("a@b.example (Ann \\) Bee)", [("Ann ) Bee", "a@b.example")]),
    ("a@b.example () (Ann)", [("Ann", "a@b.example")]),
    ("Ann (not Bea) Bee <a@b.example>", [("Ann Bee", "a@b.example")]),
    ("a(x)@(y)b.example", [("x", "a@b.example")]),
    ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", [("Pete", "pete@silly.test")]),
    ('"a (b" <c@d.example>', [("a (b", "c@d.example")]),
    ("(Ann)", [("Ann", "")]),
    # obsolete forms
    ("<@r1.example,@r2.example:a@b.example>", [(None, "a@b.example")]),
    ("Ann <@r1.example:a@b.example>", [("Ann", "a@b.example")]),
    ("a @ b . example", [(None, "a@b.example")]),
    ("< a @ b.example >", [(None, "a@b.example")]),
    ("Ann Q. Bee <a@b.example>", [("Ann Q. Bee", "a@b.example")]),
    (",, a@b.example,,c@d.example,", [(None, "a@b.example"), (None, "c@d.example")]),
    # groups
    ("Team: a@b.example, Cee <c@d.example>;", [(None, "a@b.example"), ("Cee", "c@d.example")]),
    ("undisclosed-recipients:;", []),
    ("Team: a@b.example; c@d.example", [(None, "a@b.example"), (None, "c@d.example")]),
    ("Team: a@b.example", [(None, "a@b.example")]),
    (
        "A Group(Some people)\r\n :Chris <c@public.example>,\r\n joe@where.test;",
        [("Chris", "c@public.example"), (None, "joe@where.test")],
    ),
    # encoded words
    ("=?utf-8?q?J=C3=B6rg?= <a@b.example>", [("Jörg", "a@b.example")]),
    ("=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_Bee?= <a@b.example>", [("Jörg Bee", "a@b.example")]),
    ('"=?utf-8?q?J=C3=B6rg?=" <a@b.example>', [("Jörg", "a@b.example")]),
    ("=?utf-8?q?Bee,_J=C3=B6rg?= <a@b.example>", [("Bee, Jörg", "a@b.example")]),
    ("=?utf-8?q?J=C3=B6rg_<a@b.example>?=", [("Jörg", "a@b.example")]),
    ("a@b.example (=?utf-8?q?J=C3=B6rg?=)", [("Jörg", "a@b.example")]),
    ("=?utf-8?b?SsO2?=\r\n =?utf-8?b?cmc=?= <a@b.example>", [("Jörg", "a@b.example")]),
    ("Jörg <a@b.example>", [("Jörg", "a@b.example")]),
    ("Jo\u0308rg <jörg@bücher.example>", [("Jörg", "jörg@bücher.example")]),
    # what is merely sent
    ("Ann Bee a@b.example", [("Ann Bee", "a@b.example")]),
    ("Ann <a@b.example", [("Ann", "a@b.example")]),
    ("Ann <a@b.example, Cee <c@d.example>", [("Ann", "a@b.example"), ("Cee", "c@d.example")]),
    ("a@b.example>", [(None, "a@b.example")]),
    ("<<a@b.example>>", [(None, "a@b.example")]),
    ("Ann <a@b.example> Cee <c@d.example>", [("Ann", "a@b.example"), ("Cee", "c@d.example")]),
    ("<a@b.example> <c@d.example>", [(None, "a@b.example"), (None, "c@d.example")]),
    ("a@b.example c@d.example", [(None, "a@b.example"), (None, "c@d.example")]),
    ("a@b.example; c@d.example", [(None, "a@b.example"), (None, "c@d.example")]),
    ("Ann <a@b.example>; Cee <c@d.example>", [("Ann", "a@b.example"), ("Cee", "c@d.example")]),
    ("a@b.example <a@b.example>", [("a@b.example", "a@b.example")]),
    ("Ann: Bee <a@b.example>", [("Bee", "a@b.example")]),
    ("[List] Ann <a@b.example>", [("[List] Ann", "a@b.example")]),
    ("<a@b.example> Ann", [("Ann", "a@b.example")]),
    ("Ann <mailto:a@b.example>", [("Ann", "a@b.example")]),
    ("mailto:a@b.example", [(None, "a@b.example")]),
    ('"a@b.example"', [(None, "a@b.example")]),
    ('"Ann <a@b.example>"', [("Ann", "a@b.example")]),
    ("'Ann' <a@b.example>", [("'Ann'", "a@b.example")]),
    ("root", [(None, "root")]),
    ("root, admin (the boss)", [(None, "root"), ("the boss", "admin")]),
    ("Ann <root>", [("Ann", "root")]),
    ("Mail Delivery Subsystem", [("Mail Delivery Subsystem", "")]),
    ("<>", []),
    ("Ann <>", [("Ann", "")]),
    ("", []),
    (" \r\n ", []),
    ("a@@b.example", [(None, "a@@b.example")]),
    ("a.@b.example", [(None, "a.@b.example")]),
    ("@b.example", [(None, "@b.example")]),
    ("Ann (oops <a@b.example>", [("Ann (oops", "a@b.example")]),
    ("Ann oops) <a@b.example>", [("Ann oops)", "a@b.example")]),
    ('Ann "oops <a@b.example>', [('Ann "oops', "a@b.example")]),
    ('"" <a@b.example>', [(None, "a@b.example")]),
    ("Ann \\<a@b.example>", [("Ann", "a@b.example")]),
]


@pytest.mark.parametrize(("value", "expected"), CASES)
def test_addresses(value: str, expected: Pairs) -> None:
    assert parse_addresses(value) == tuple(Address(name, email) for name, email in expected)


@pytest.mark.parametrize("value", [value for value, _ in CASES if value.strip()])
def test_a_list_ends_where_the_next_begins(value: str) -> None:
    """A valid mailbox before another value is found, whatever the value is."""
    found = parse_addresses("First <first@example.test>, " + value)
    assert found[0] == Address("First", "first@example.test")


def test_groups_keep_their_names() -> None:
    found = parse_groups("a@b, Team: c@d, e@f;, Empty:;, =?utf-8?q?=C3=9C?=: g@h;, i@j")
    names = [(group.name, [address.email for address in group.addresses]) for group in found]
    assert names == [(None, ["a@b"]), ("Team", ["c@d", "e@f"]), ("Empty", []), ("Ü", ["g@h"]), (None, ["i@j"])]


def test_a_group_without_a_name() -> None:
    assert parse_groups(":a@b;") == (Group("", (Address(None, "a@b"),)),)
