"""Text of every script is found: by any part of a run without spaces, in all its widths, wherever a word may stand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailscribe.query import Phrase, Word, message_document, plan
from mailscribe.query.tree import Operator
from mailscribe.records import EmailAddress, HeaderField
from mailscribe.store.tail import Tail
from support.query_world import attachment, message_record

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
FEWER = settings(max_examples=min(100, settings().max_examples))

han, kana, hangul, thai = "東京都大阪府中国語漢字𠮷", "ひらがなカタカナーガパヴ", "서울에서한글", "ภาษาไทยที่นี่"
runs = st.text(st.sampled_from(han + kana + hangul + thai), min_size=1, max_size=12)
around = st.sampled_from(["", " ", "abc", "42", "。", "（", "Straße ", "\n", "é"])


def tail_of(run: str) -> Tail:
    tail = Tail("message")
    record = message_record(
        ULID,
        subject=f"Re: {run}",
        from_=(EmailAddress(name=run, email="a@x.org"),),
        attachments=(attachment(f"{run}.pdf"),),
        headers=(HeaderField(name="X-Note", value=run),),
    )
    tail.put([message_document(record, f"before\n{run}\nafter", ULID)])
    return tail


@FEWER
@given(runs, around, around, st.data())
def test_any_part_of_a_run_is_found_everywhere(run: str, before: str, after: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(run) - 1))
    piece = run[start : data.draw(st.integers(start + 1, len(run)))]
    tail = tail_of(before + run + after)
    for leaf in (Word(piece), Phrase(piece)):
        places = [Operator(name, leaf) for name in ("subject", "body", "filename", "from")]
        header = Operator("header", type(leaf)(f"X-Note={piece}"))
        for node in (leaf, header, *places):
            assert tail.search(plan(node, "message", limit=1)), node


@FEWER
@given(runs, runs)
def test_what_does_not_stand_in_a_run_is_not_found(run: str, other: str) -> None:
    found = bool(tail_of(run).search(plan(Operator("body", Phrase(other)), "message", limit=1)))
    assert found is (other.replace("ำ", "ํา") in run.replace("ำ", "ํา"))


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("ｶﾞｲﾄﾞ", "ガイド"), ("ガイド", "ｶﾞｲﾄﾞ"), ("ＡＢＣ１２３", "abc123"), ("abc123", "ＡＢＣ１２３"),
        ("ﾊﾝｸﾞﾙ", "ハング"), ("한글", "한"), ("㍿東京", "株式会社東京"), ("⼤阪", "大"), ("ﬁnance", "finance"),
        ("abc東京xyz", "東"), ("abc東京xyz", "abc東"), ("abc東京xyz", "京xyz"), ("2024年12月", "年12"), ("東京", "京"),
        ("ภาษาไทย", "ไทย"), ("ភាសាខ្មែរ", "ខ្មែរ"), ("မြန်မာ", "မာ"), ("ພາສາລາວ", "ລາວ"), ("STRASSE", "straße"),
        ("Ångström", "angstrom"), ("ΑΘΉΝΑ", "αθηνα"), ("Ёлка", "елка"), ("naïve", "NAIVE"),
    ],
)  # fmt: skip
def test_forms_of_the_same_text_are_the_same(stored: str, asked: str) -> None:
    assert tail_of(stored).search(plan(Word(asked), "message", limit=1))


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("東 京", "京東"),
        ("50㎏", "kg"),
        ("Foo™", "tm"),
        ("カ", "ガ"),
        ("ハ", "パ"),
        ("東京", "東都"),
        ("कि", "की"),
        ("abc東京", "bc東"),
        ("ab", "a"),
    ],
)
def test_different_texts_are_not(stored: str, asked: str) -> None:
    assert not tail_of(stored).search(plan(Operator("body", Word(asked)), "message", limit=1))
