"""What every adapter of the objects port does, and does alike."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from mailscribe.errors import ObjectNotFound
from mailscribe.store.ports import Objects
from support.adapters import OBJECTS
from support.runners import in_threads

BAD_KEYS = [
    "",
    "/absolute",
    "a//b",
    "a/",
    "./a",
    "a/../b",
    "..",
    "nul\0",
    "line\nbreak",
    "lone \udc80 surrogate",
    "x" * 256,
    "/".join(["y" * 100] * 11),
]
GOOD_KEYS = [
    "a",
    "messages/2016/07/30/01ARZ3NDEKTSV4RRFFQ69G5FAV.eml",
    "inbound/with space + plus % percent ?&=#.eml",
    "inbound/ünï-ćödé-日本-\U0001f4e7",
    "inbound/..dots../...",
    "inbound/\\back\\slash:colon",
    "x" * 255,
]


@pytest.fixture(params=OBJECTS)
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with OBJECTS[request.param](tmp_path) as made:
        yield made


def keys(objects: Objects, prefix: str = "", *, after: str = "", limit: int = 1000) -> list[str]:
    return [info.key for info in objects.list(prefix, after=after, limit=limit)]


def test_put_then_read(objects: Objects) -> None:
    put = objects.put("a/b", [b"one ", b"", b"two"], content_type="text/plain")
    assert (put.key, put.size) == ("a/b", 7)
    assert put.modified_ms > 1_600_000_000_000
    head = objects.head("a/b")
    assert (head.key, head.size, head.etag) == (put.key, put.size, put.etag)
    assert objects.list("a/") == [head]
    assert objects.get("a/b") == b"one two"


@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)) * 300, b"\r\n.\r\n\x1a\xff"], ids=len)
def test_bytes_come_back_as_they_were(objects: Objects, data: bytes) -> None:
    objects.put("k", [data[:100], data[100:]])
    assert objects.get("k") == data
    assert objects.head("k").size == len(data)


def test_put_takes_any_iterable_once(objects: Objects) -> None:
    objects.put("k", (bytes([byte]) for byte in range(10)))
    assert objects.get("k") == bytes(range(10))
    objects.put("empty", [])
    assert objects.get("empty") == b""


def test_put_replaces(objects: Objects) -> None:
    first = objects.put("k", [b"first"])
    second = objects.put("k", [b"other"])
    assert objects.get("k") == b"other"
    assert first.etag != second.etag
    assert keys(objects) == ["k"]


RANGES: list[tuple[int, int | None, bytes]] = [
    (0, None, b"0123456789"),
    (0, 10, b"0123456789"),
    (0, 1, b"0"),
    (3, 7, b"3456"),
    (9, 10, b"9"),
    (9, None, b"9"),
    (8, 99, b"89"),
    (10, None, b""),
    (10, 12, b""),
    (99, None, b""),
    (99, 100, b""),
    (0, 0, b""),
    (5, 5, b""),
    (7, 3, b""),
]


def test_ranges_are_cut_to_the_size(objects: Objects) -> None:
    objects.put("k", [b"0123456789"])
    for start, end, expected in RANGES:
        assert objects.get("k", start, end) == expected, (start, end)


def test_ranges_of_an_empty_object(objects: Objects) -> None:
    objects.put("k", [b""])
    assert [objects.get("k", 0, 10), objects.get("k", 5), objects.get("k", 0, 0)] == [b"", b"", b""]


@pytest.mark.parametrize(("start", "end"), [(-1, None), (0, -1), (-2, -1)])
def test_ranges_from_the_end_are_refused(objects: Objects, start: int, end: int | None) -> None:
    objects.put("k", [b"0123456789"])
    with pytest.raises(ValueError, match="negative"):
        objects.get("k", start, end)


def test_an_absent_key(objects: Objects) -> None:
    objects.put("a/b", [b"x"])
    for key in ("a", "a/b/c", "a/bb", "b"):
        with pytest.raises(ObjectNotFound) as caught:
            objects.get(key)
        assert caught.value.key == key
        with pytest.raises(ObjectNotFound):
            objects.get(key, 0, 0)
        with pytest.raises(ObjectNotFound):
            objects.head(key)
        objects.delete(key)
    assert objects.get("a/b") == b"x"


def test_delete(objects: Objects) -> None:
    objects.put("a/b", [b"x"])
    objects.put("a/c", [b"y"])
    objects.delete("a/b")
    objects.delete("a/b")
    assert keys(objects) == ["a/c"]
    with pytest.raises(ObjectNotFound):
        objects.get("a/b")
    objects.put("a/b", [b"again"])
    assert objects.get("a/b") == b"again"


@pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
def test_keys_that_some_adapter_cannot_hold_are_refused(objects: Objects, key: str) -> None:
    with pytest.raises(ValueError, match="object key"):
        objects.put(key, [b"x"])
    with pytest.raises((ValueError, ObjectNotFound)):
        objects.get(key)
    assert objects.list("") == []


@pytest.mark.parametrize("key", GOOD_KEYS, ids=ascii)
def test_odd_keys(objects: Objects, key: str) -> None:
    objects.put(key, [key.encode()])
    assert objects.get(key) == key.encode()
    assert keys(objects) == [key]
    objects.delete(key)
    assert keys(objects) == []


def test_a_put_that_fails_on_the_way_leaves_what_was_there(objects: Objects) -> None:
    def dying() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("the client went away")

    objects.put("k", [b"whole"])
    for key in ("k", "new"):
        with pytest.raises(RuntimeError):
            objects.put(key, dying())
    assert keys(objects) == ["k"]
    assert objects.get("k") == b"whole"


# Names that sort differently as folders and as keys. None lies below another: a folder cannot hold both.
TREE = ["a!/x", "a-b", "a-b0", "a.eml", "a/b/x", "a/c", "a0", "b/1", "b/10", "b/2", "b!/z", "ä/x", "z📧", "Z"]


@pytest.fixture
def tree(objects: Objects) -> Objects:
    for key in reversed(TREE):
        objects.put(key, [key.encode()])
    return objects


def test_list_is_in_key_order(tree: Objects) -> None:
    assert keys(tree) == sorted(TREE, key=str.encode)


PREFIXES = ["", "a", "a/", "a/b", "a-", "b/1", "b/10", "b/100", "nothing/", "ä", "z"]
AFTERS = ["", "a", "a/", "a/b/x", "a/b/y", "a-b", "b/1", "b/", "zz", "\U0010ffff"]


def test_list_of_prefix_and_after(tree: Objects) -> None:
    for prefix, after in product(PREFIXES, AFTERS):
        expected = sorted(key for key in TREE if key.startswith(prefix) and key > after)
        assert keys(tree, prefix, after=after) == expected
        assert keys(tree, prefix, after=after, limit=2) == expected[:2]


def test_list_in_pages(tree: Objects) -> None:
    for size in (1, 2, 3, 100):
        seen: list[str] = []
        while page := keys(tree, after=seen[-1] if seen else "", limit=size):
            assert len(page) <= size
            seen += page
        assert seen == sorted(TREE)


def test_list_of_nothing(objects: Objects) -> None:
    assert objects.list("") == []
    objects.put("k", [b""])
    assert objects.list("", limit=0) == []


def test_readers_see_a_whole_object_while_it_is_replaced(objects: Objects) -> None:
    versions = [bytes([number]) * 5000 for number in range(8)]
    objects.put("k", [versions[0]])

    def write(number: int) -> None:
        objects.put("k", [versions[number][:2000], versions[number][2000:]])

    def read(_: int) -> None:
        assert objects.get("k") in versions
        assert len(objects.list("")) == 1

    in_threads(lambda number: (write if number % 2 else read)(number), 8)
    assert objects.get("k") in versions


def test_puts_from_many_threads(objects: Objects) -> None:
    def write(number: int) -> None:
        for step in range(5):
            objects.put(f"t/{number}/{step}", [str(number).encode()])

    in_threads(write, 6)
    assert len(keys(objects, "t/")) == 30
