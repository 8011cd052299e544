"""What a token is, in Python and in SQLite alike."""

import doctest
import sys
import unicodedata
from types import ModuleType

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.query import tags, tree, words
from mailscribe.query.words import BREAK, fold, index_text, join_texts, tokens
from mailscribe.store.index_schema import TOKENIZER


def sqlite_tokens(text: str) -> list[str]:
    """What the tail's tokenizer makes of a text."""
    database = apsw.Connection(":memory:")
    name, *arguments = ["unicode61", "remove_diacritics", "0", "categories", "L* M* N* Co"]
    tokenize = database.fts5_tokenizer(name, arguments)
    found = tokenize(text.encode("utf-8"), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False)
    return [str(token) for group in found for token in group]


def test_the_tokenizer_here_is_the_tail_s() -> None:
    assert TOKENIZER == "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Hello, World!", "hello world"),
        ("foo_bar-baz", "foo bar baz"),
        ("a.smith@Example.COM", "a smith example com"),
        ("don't 12:30 1.5m", "don t 12 30 1 5m"),
        ("naïve Ångström ÉCOLE", "naive angstrom ecole"),
        ("nai\u0308ve", "naive"),
        ("Straße STRASSE", "strasse strasse"),
        ("ﬁn ＡＢＣ Ⅳ ½", "fin abc iv 1 2"),
        ("Über\u00adgröße zero\u200bwidth", "ubergrosse zerowidth"),
        ("Ёлка ёлка", "елка елка"),
        ("ΑΘΉΝΑ Αθήνα", "αθηνα αθηνα"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("東京都 2024年", "東 京 都 2024 年"),
        ("ガイド ｶﾞｲﾄﾞ", "ガ イ ト\u3099 ガ イ ト\u3099"),
        ("서울에서", "서 울 에 서"),
        ("abc東京", "abc 東 京"),
        ("👍 ok €5 №7 Foo™", "ok 5 7 foo"),
        ("a\x00b\ud800c\ue040d", "a b c d"),
        ("İstanbul", "istanbul"),
    ],
)
def test_words_of(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == unicodedata.normalize("NFC", expected)


mixed = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" aZé-東ßがе́"), max_size=40)


@given(mixed)
def test_sqlite_cuts_an_indexed_text_where_a_query_is_cut(text: str) -> None:
    assert sqlite_tokens(index_text(text)) == sqlite_tokens(" ".join(tokens(text)))
    assert len(sqlite_tokens(index_text(text))) == len(tokens(text))


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_left_to_sqlite(text: str) -> None:
    assert index_text(text) == text
    assert tuple(sqlite_tokens(text)) == tokens(text)


def test_every_character_of_a_token_is_one_for_sqlite() -> None:
    kept = [chr(code) for code in range(sys.maxunicode + 1) if len(tokens(f"a{chr(code)}")) == 1]
    joined = [char for char in kept if tokens(f"a{char}")[0] != "a"]
    assert len(joined) > 20_000
    found = sqlite_tokens(" ".join(tokens(f"a{char}")[0] for char in joined))
    assert len(found) == len(joined)


@given(mixed)
def test_folding_is_stable(text: str) -> None:
    assert fold(text.upper()) == fold(fold(text.upper()))


def test_texts_of_one_column_are_apart() -> None:
    assert index_text("a", "é") == f"a {BREAK} e"
    assert sqlite_tokens(index_text("a", "b")) == ["a", BREAK, "b"]


def test_joined_texts_are_bounded() -> None:
    assert join_texts(["aaa", "bbb", "ccc"], 5) == f"aaa {BREAK} bb"
    assert join_texts(["aaa", "bbb"], 3) == "aaa"
    assert join_texts([], 3) == ""


@pytest.mark.parametrize("module", [tags, tree, words])
def test_doctests(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
