"""Encoded words, as RFC 2047 has them and as they are sent."""

import pytest

from mailscribe.message.encoded_word import decode_words

CASES: list[tuple[str, str]] = [
    # RFC 2047 §8
    ("=?ISO-8859-1?Q?a?=", "a"),
    ("=?ISO-8859-1?Q?a?= b", "a b"),
    ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
    ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
    ("=?ISO-8859-1?Q?a?=\t=?ISO-8859-1?Q?b?=", "ab"),
    ("=?ISO-8859-1?Q?a_b?=", "a b"),
    ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
    ("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
    (
        "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
        "If you can read this you understand the example.",
    ),
    # one character over two words
    ("=?utf-8?q?gr=C3?= =?utf-8?q?=BCn?=", "grün"),
    ("=?utf-8?b?w7w=?= =?UTF-8?Q?=C3=BC?=", "üü"),
    ("=?utf-8?b?w7?= =?utf-8?b?w=?=", "ü"),
    ("=?utf-8?b?4pyT?= =?utf-8?q?=E2=9C?= =?utf-8?b?kw==?=", "✓✓"),
    ("=?iso-2022-jp?B?GyRCJCIbKEI=?= =?iso-2022-jp?B?GyRCJCQbKEI=?=", "あい"),
    # languages and letter case
    ("=?us-ascii*en?q?hello?=", "hello"),
    ("=?UTF-8?Q?=c3=bc?=", "ü"),
    # broken, and read all the same
    ("=?utf-8?q?two words?=", "two words"),
    ("=?utf-8?Q?really??=", "really?"),
    ("=?utf-8?Q?a?b?=", "a?b"),
    ("=?utf-8?Q??=", ""),
    ("a=?utf-8?q?b?=c", "abc"),
    ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
    ("(=?utf-8?q?a?=)", "(a)"),
    ("=?utf-8?b?YWJj ZGVm?=", "abcdef"),
    ("=?utf-8?b?YWJjZA?=", "abcd"),
    ("=?utf-8?b?YWJjZA===?=", "abcd"),
    ("=?utf-8?b?*YWJj*?=", "abc"),
    ("=?utf-8?q?=ZZ=4?=", "=ZZ=4"),
    ("=?gb2312?b?xOO6ww==?=", "你好"),
    ("=?iso-8859-1?q?=80?=", "€"),
    ("=?utf-8?q?=FC?=", "ü"),
    ("=?x-unknown-charset?q?=C3=BC?=", "ü"),
    ("=?default?q?=C3=BC?=", "ü"),
    ("=?utf-8?q?ü?=", "ü"),
    # control characters that a word spells are dropped (RFC 8621 §4.1.2.2)
    ("=?utf-8?q?a=00b=0D=0Ac?=", "abc"),
    # no encoded words
    ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
    ("=?utf-8?q?abc", "=?utf-8?q?abc"),
    ("=?utf-8?q?abc =?utf-8?q?def?=", "=?utf-8?q?abc def"),
    ("=??q?abc?=", "=??q?abc?="),
    ("=? =? ?=", "=? =? ?="),
    ("a = b ?= c", "a = b ?= c"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_decode_words(text: str, expected: str) -> None:
    assert decode_words(text) == expected
