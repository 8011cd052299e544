"""Who is here: standing, expansion, VRFY, EXPN; and the file that says so, with line and reason for what is wrong."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailscribe.errors import ConfigError
from mailscribe.policy import (
    Ambiguous,
    Directory,
    Disclosure,
    Domain,
    Mailbox,
    MailingList,
    Standing,
    Unknown,
    Unverifiable,
    Verified,
)
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import MAX_TEXT, MAX_VALUE, decode
from support.yaml_text import broken

FILE = """\
# who is here
disclosure: all
domains:
  example.com: {max_size: 10m}
  lists.example.com: {unlisted: refuse}
  open.example.com:
  half.example.com: {unlisted: accept, max_size: 64k}
mailboxes:
  mable@example.com: Mable Merliney
  bob@example.com: Bob Brown
  rob@example.com: Robert Brown
  nobody@half.example.com:
  josé@example.com: José Ruiz
aliases:
  support@example.com: mable@example.com
  sales@example.com: [bob@example.com, support@example.com, carol@elsewhere.test]
lists:
  staff@lists.example.com:
    name: The staff
    members: [mable@example.com, "Dora <dora@elsewhere.test>", sales@example.com]
"""


@pytest.fixture
def directory() -> Directory:
    return read_directory(FILE, "directory.yaml")


@pytest.mark.parametrize(
    ("address", "standing"),
    [
        ("mable@example.com", Standing.OURS),
        ("MABLE@example.com", Standing.OURS),
        ("support@example.com", Standing.OURS),
        ("staff@lists.example.com", Standing.OURS),
        ("nobody@example.com", Standing.UNKNOWN),
        ("x@lists.example.com", Standing.UNKNOWN),
        ("anybody@open.example.com", Standing.OURS),
        ("anybody@half.example.com", Standing.OURS),
        ("mable@elsewhere.test", Standing.NOT_OURS),
        ("mable@sub.example.com", Standing.NOT_OURS),
        ("postmaster@example.com", Standing.OURS),
        ("Postmaster@elsewhere.test", Standing.NOT_OURS),
    ],
)
def test_standing(directory: Directory, address: str, standing: Standing) -> None:
    local, _, domain = address.partition("@")
    assert directory.standing(local, domain) is standing
    assert directory.standing("postmaster", "") is Standing.OURS


def delivered(directory: Directory, address: str) -> list[str]:
    local, _, domain = address.partition("@")
    return [f"{each.email} {each.via or '-'}" for each in directory.expand(local, domain.lower(), address)]


def test_expansion(directory: Directory) -> None:
    assert delivered(directory, "bob@example.com") == ["bob@example.com -"]
    assert delivered(directory, "Support@example.com") == ["mable@example.com Support@example.com"]
    assert delivered(directory, "staff@lists.example.com") == [
        "mable@example.com staff@lists.example.com",
        "dora@elsewhere.test staff@lists.example.com",
        "bob@example.com staff@lists.example.com",
        "carol@elsewhere.test staff@lists.example.com",
    ]
    assert delivered(directory, "any@open.example.com") == ["any@open.example.com -"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mable", "Mable Merliney"),
        ("Mable Merliney", "Mable Merliney"),
        ("merliney", "Mable Merliney"),
        ("<mable@EXAMPLE.com>", "Mable Merliney"),
        ("support@example.com", "Mable Merliney"),
        ("support", "Mable Merliney"),
        ("robert", "Robert Brown"),
        ('"Bob Brown" <bob@example.com>', "Bob Brown"),
        ("staff@lists.example.com", "The staff"),
        ("the staff", "The staff"),
        ("josé", "José Ruiz"),
    ],
)
def test_verified(directory: Directory, text: str, name: str) -> None:
    found = directory.verify(text)
    assert isinstance(found, Verified)
    assert found.mailbox.name == name


def test_not_verified(directory: Directory) -> None:
    assert isinstance(directory.verify("brown"), Ambiguous)
    assert isinstance(directory.verify("sales@example.com"), Ambiguous)
    assert isinstance(directory.verify("nobody@example.com"), Unknown)
    assert isinstance(directory.verify("x@elsewhere.test"), Unknown)
    assert isinstance(directory.verify("anybody@open.example.com"), Unverifiable)
    assert isinstance(directory.verify("anybody"), Unverifiable)
    assert isinstance(directory.verify(""), Unverifiable)
    strict = read_directory("domains: {x.test: }\nmailboxes: {a@x.test: A}\n", "f")
    assert isinstance(strict.verify("anybody"), Unknown)


def test_a_long_local_part_is_taken() -> None:
    local = "x" * 64
    directory = read_directory(f"domains: {{a.test: }}\nmailboxes: {{{local}@a.test: , a*b@a.test: }}\n", "f")
    assert directory.standing(local, "a.test") is Standing.OURS
    assert directory.standing("a*b", "a.test") is Standing.OURS


def test_members(directory: Directory) -> None:
    for text in ("staff", "<staff@lists.example.com>", "The Staff"):
        members = directory.members(text)
        assert members is not None
        assert [each.name for each in members] == ["Mable Merliney", "Dora", ""]
    assert directory.members("mable") is None
    assert directory.members("") is None


def test_sizes_and_counts(directory: Directory) -> None:
    assert directory.max_size("example.com") == 10 * 1024 * 1024
    assert directory.max_size("half.example.com") == 65_536
    assert directory.max_size("open.example.com") is None
    assert directory.counts == {"domains": 4, "mailboxes": 5, "aliases": 2, "lists": 1}
    assert directory.disclosure is Disclosure.ALL


def test_every_domain() -> None:
    directory = Directory.of_domains(("*",))
    assert directory.standing("any", "where.test") is Standing.OURS
    assert isinstance(directory.verify("any@where.test"), Unverifiable)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "empty"),
        ("domains:\n  - a.test\nmailbox: {}\n", 3, "there are"),
        ("domains: [a.test, b.test, A.test]\n", 1, "twice"),
        ("domains: {a.test: }\ndomains: {b.test: }\n", 2, "twice"),
        ("domains:\n  a.test: {size: 3}\n", 2, "there are max_size"),
        ("domains:\n  a.test: {max_size: 3g}\n", 2, "number of bytes"),
        ("domains:\n  a.test: {unlisted: perhaps}\n", 2, "accept or refuse"),
        ("domains:\n  'a b': \n", 2, "neither a domain"),
        ("domains: {a.test: }\nmailboxes:\n  x: X\n", 3, "no address"),
        ("domains: {a.test: }\nmailboxes:\n  x@b.test: X\n", 3, "not among"),
        ("domains: {a.test: }\nmailboxes:\n  x@a.test: X\naliases:\n  X@a.test: y@a.test\n", 5, "already, in line 3"),
        ("domains: {a.test: }\naliases:\n  x@a.test: y@a.test\n  y@a.test: x@a.test\n", 3, "stands for itself"),
        ("domains: {a.test: }\nlists:\n  x@a.test: {members: [x@a.test]}\n", 3, "stands for itself"),
        ("domains: {a.test: }\naliases:\n  x@a.test: []\n", 3, "nobody"),
        ("domains: {a.test: }\nlists:\n  x@a.test: {name: X}\n", 3, "nobody"),
        ("domains: {a..test: }\n", 1, "neither a domain"),
        ("domains: {.a.test: }\n", 1, "neither a domain"),
        ("domains: {a*.test: }\n", 1, "neither a domain"),
        ("domains: {bücher.test: , xn--bcher-kva.test: }\n", 1, "twice"),
        ("domains: {a.test: }\nmailboxes:\n  x..y@a.test: X\n", 3, "no address"),
        ("domains: {a.test: }\nmailboxes:\n  .x@a.test: X\n", 3, "no address"),
        (f"domains: {{a.test: }}\nmailboxes:\n  {'x' * 65}@a.test: X\n", 3, "no address"),
        ("domains: {a.test: }\naliases:\n  x@a.test: nowhere\n", 3, "no address"),
        ("domains: {a.test: }\nlists:\n  x@a.test: {members: [Bob]}\n", 3, "no address"),
        ("domains: {a.test: }\nlists:\n  x@a.test: {memebers: []}\n", 3, "name and members"),
        ("domains: {a.test: }\ndisclosure: some\n", 2, "one of none"),
        ("disclosure: all\n", 1, "none is there"),
        ("domains: &a {x.test: }\nmailboxes: *a\n", 1, "anchors"),
        ("domains: {a.test: }\nmailboxes:\n  - x@a.test\n", 3, "a mapping"),
        ("domains:\n\ta: b\n", 2, ""),
        ("domains: {a.test: }\nmailboxes: {x@a.test: [", 2, ""),
        ("- " * 50, 1, "too deeply"),
        ('domains: {a.test: }\nmailboxes:\n  x@a.test: "X\\r\\nBcc"\n', 3, "control"),
        ("#" * (MAX_TEXT + 1), 1, "longer than"),
        ("domains: [a.test]\n" + f"# {'x' * MAX_VALUE}\n{'x' * (MAX_VALUE + 1)}: y\n", 3, "of more than"),
        ("domains: {a.test: }\nmailboxes:\n  x@a.test: \x07\n", 3, "U+0007"),
        ("domains: {a.test: }\nmailboxes:\n  x@a.test: \ud800\n", 3, "U+D800"),
        ('domains: {a.test: }\nmailboxes:\n  x@a.test: "\\UFFFFFFFF"\n', 3, ""),
        (f"%YAML 1.{'9' * 5000}\n--- a\n", 1, ""),
        ("domains: !!python/name:os.system {a.test: }\n", 1, "tags"),
        ("domains: [a.test]\n---\ndomains: [b.test]\n", 2, ""),
    ],
)
@pytest.mark.usefixtures("loader")
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_directory(text, "directory.yaml")
    assert str(raised.value).startswith(f"directory.yaml:{line}: ")
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [(b"a: b\n\n\xff", 3, "no UTF-8"), (b"#" * (MAX_TEXT + 1), 1, "longer than")],
)
def test_octets_that_are_no_text(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"^f:{line}: {reason}"):
        decode(data, "f")


def test_a_text_as_long_as_it_may_be() -> None:
    longest = f"domains: [a.test]\nmailboxes: {{x@a.test: {'x' * MAX_VALUE}}}\n#"
    text = decode(longest.ljust(MAX_TEXT, "x").encode(), "f")
    assert read_directory(text, "f").counts["mailboxes"] == 1
    assert read_directory("\ufeffdomains: [a.test]\r\n", "f").counts["domains"] == 1


names = st.sampled_from([f"{name}@x.test" for name in "abcdefgh"])


@given(
    st.dictionaries(names, st.lists(names, min_size=1, max_size=4).map(tuple), max_size=8),
    st.dictionaries(names, st.lists(names, max_size=4), max_size=4),
    names,
)
def test_expansion_ends_whatever_stands_for_what(
    aliases: dict[str, tuple[str, ...]], lists: dict[str, list[str]], start: str
) -> None:
    made = {key: MailingList("", tuple(Mailbox(each) for each in members)) for key, members in lists.items()}
    directory = Directory({"x.test": Domain()}, aliases=aliases, lists=made)
    found = delivered(directory, start)
    assert len(found) == len(set(found)) <= 8


@pytest.mark.usefixtures("loader")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | broken(FILE))
def test_any_text_is_a_directory_or_an_error_with_its_line(text: str) -> None:
    try:
        directory = read_directory(text, "f")
    except ConfigError as error:
        assert re.match("f:[1-9][0-9]*: .", str(error))  # noqa: PT017 - either is right
    else:
        assert directory.counts["domains"] > 0
