"""Who is meant by a name, a local part or an address; the answer has a limit, whoever asks."""

from hypothesis import given
from hypothesis import strategies as st

from mailscribe.policy import Ambiguous, Directory, Domain, Mailbox, MailingList, Unknown, Verified
from mailscribe.policy.names import MAX_FOUND

addresses = st.sampled_from([f"{name}@x.test" for name in "abcdefgh"])


def test_who_is_ambiguous_is_told_up_to_a_limit() -> None:
    boxes = [Mailbox(f"u{number}@x.test", f"Brown U{number}") for number in range(MAX_FOUND + 1)]
    directory = Directory({"x.test": Domain()}, mailboxes=boxes, aliases={"us@x.test": tuple(b.email for b in boxes)})
    for asked in ("brown", "us", "us@x.test"):
        assert directory.verify(asked) == Ambiguous(tuple(boxes[:MAX_FOUND]))
    assert directory.verify("u20 brown") == Verified(boxes[20])
    assert isinstance(directory.verify("brown white"), Unknown)


def test_a_local_part_of_several_domains_is_ambiguous() -> None:
    first, second = Mailbox("mable@a.test", "Mable A"), Mailbox("bob@b.test", "Bob B")
    directory = Directory(
        {"a.test": Domain(), "b.test": Domain()},
        mailboxes=[first, second],
        aliases={"mable@b.test": ("bob@b.test",), "hers@a.test": ("mable@b.test", "all@a.test")},
        lists={"all@a.test": MailingList("All", (first, second))},
    )
    assert directory.verify("mable") == Ambiguous((first, second))
    assert directory.verify("hers") == Ambiguous((Mailbox("all@a.test", "All"), second))
    assert directory.verify("bob") == Verified(second)


@given(
    st.dictionaries(addresses, st.lists(addresses, min_size=1, max_size=4).map(tuple), max_size=8),
    st.dictionaries(addresses, st.lists(addresses, max_size=4), max_size=4),
    st.text(max_size=20) | st.sampled_from(["a", "<b@x.test>", "c@X.test", '"D" <d@x.test>']),
)
def test_who_asks_is_answered_whatever_there_is(
    aliases: dict[str, tuple[str, ...]], lists: dict[str, list[str]], asked: str
) -> None:
    made = {key: MailingList("L", tuple(Mailbox(each) for each in members)) for key, members in lists.items()}
    directory = Directory({"x.test": Domain(takes_unlisted=False)}, aliases=aliases, lists=made)
    found = directory.verify(asked)
    assert not isinstance(found, Ambiguous) or len(found.mailboxes) > 1
    members = directory.members(asked)
    assert members is None or members in [each.members for each in made.values()]
