"""A part by its number: decoded, in its type, safe to open, in ranges, redirected to where answers are limited."""

import base64
import binascii
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message.transfer import Decoder, Range
from mailscribe.service.api import Stream
from mailscribe.service.api.disposition import LONGEST, disposition, safe_name
from mailscribe.service.api.large import CHUNK
from mailscribe.service.parts import RangeDecoder
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key
from support.api import HOST, ApiWorld, Links, reply_of

LIMIT = 4096
DATA = bytes(range(256)) * 3
UU = (
    b"begin 644 a\r\n"
    + b"".join(binascii.b2a_uu(DATA[at : at + 45]) for at in range(0, len(DATA), 45)).replace(b"\n", b"\r\n")
    + b"end\r\n"
)
YENC = b"=ybegin line=128 size=3 name=a\r\n" + bytes((octet + 42) & 255 for octet in b"abc") + b"\r\n=yend size=3\r\n"


def part(body: bytes, *fields: str) -> bytes:
    return "".join(f"{each}\r\n" for each in fields).encode() + b"\r\n" + body


def mixed(*parts: bytes) -> bytes:
    head = b"From: a@test.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"".join(b"--b\r\n" + each + b"\r\n" for each in parts) + b"--b--\r\n"


def encoded(data: bytes, content_type: str = "application/pdf", *fields: str) -> bytes:
    body = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return part(body, f"Content-Type: {content_type}", "Content-Transfer-Encoding: base64", *fields)


def path_of(world: ApiWorld, content: bytes, number: str = "1") -> str:
    whole = content if content.startswith(b"From: ") else mixed(content)
    return f"/v1/messages/{world.deliver(whole).messages[0]}/parts/{number}"


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture
def deployed() -> tuple[ApiWorld, Links]:
    links = Links()
    return ApiWorld(Settings(hosts=(HOST,), answer_limit=LIMIT), links=links), links


@pytest.mark.parametrize(("file", "content"), [(UU, DATA), (YENC, b"abc")], ids=["uuencode", "yEnc"])
def test_a_file_that_stands_in_the_text(world: ApiWorld, file: bytes, content: bytes) -> None:
    """It is a part under the text's number, listed among the attachments; the text stays whole."""
    path = path_of(world, b"From: a@test.org\r\n\r\nHere it is:\r\n" + file + b"Ann\r\n", "1.1")
    [attachment] = world.call(path.partition("/parts/")[0]).json()["attachments"]
    assert (attachment["partId"], attachment["name"], attachment["size"]) == ("1.1", "a", len(content))
    assert attachment["sha256"] == hashlib.sha256(content).hexdigest()
    assert world.call(path).body == content
    assert world.call(path.replace("1.1", "1.2")).status == 404
    assert file in world.call(path.removesuffix(".1")).body


def test_an_attachment_is_given_decoded(world: ApiWorld) -> None:
    content = mixed(part(b"hi"), encoded(DATA, "application/pdf; name=a.pdf"))
    answer = world.call(path_of(world, content, "2"))
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="a.pdf"'
    assert answer.headers["etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        ("7bit", b"plain", b"plain"),
        ("8bit", b"gr\xfcn", b"gr\xfcn"),
        ("x-nobody-knows", b"plain", b"plain"),
        ("quoted-printable", b"gr=FCn=\r\n!", b"gr\xfcn!"),
        ("base64", base64.b64encode(DATA), DATA),
        ("base64", b"!!QUJD not=", b"ABC\x9e\x8b"),
        ("x-uuencode", UU, DATA),
        ("x-yenc", YENC, b"abc"),
    ],
)
@pytest.mark.parametrize("type_", ["text/plain; charset=iso-8859-1", "application/zip"])
def test_every_encoding_is_decoded(world: ApiWorld, encoding: str, body: bytes, expected: bytes, type_: str) -> None:
    path = path_of(world, part(body, f"Content-Type: {type_}", f"Content-Transfer-Encoding: {encoding}"))
    answer = world.call(path)
    assert (answer.status, answer.body) == (200, expected)
    assert answer.headers["content-type"] == type_
    assert world.call(path, headers={"range": "bytes=1-2"}).body == answer.body[1:3]


@pytest.mark.parametrize(
    ("declared", "given_type", "kind"),
    [
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8", "inline"),
        ("image/png", "image/png", "inline"),
        ("image/svg+xml", "image/svg+xml", "attachment"),
        ("text/html; charset=utf-8", "text/html; charset=utf-8", "attachment"),
        ("application/xhtml+xml", "application/xhtml+xml", "attachment"),
        ("text/xml; charset=utf-8", "text/xml; charset=utf-8", "attachment"),
        ("application/x-whatever", "application/x-whatever", "attachment"),
        ("message/rfc822", "message/rfc822", "attachment"),
    ],
)
def test_what_a_browser_could_run_is_an_attachment(world: ApiWorld, declared: str, given_type: str, kind: str) -> None:
    answer = world.call(path_of(world, part(b"Subject: x\r\n\r\ny\r\n", f"Content-Type: {declared}")))
    assert (answer.status, answer.headers["content-type"]) == (200, given_type)
    assert answer.headers["content-disposition"].startswith(f"{kind}; filename=")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("number", ["0", "3", "1.1", "", "x", "1%00", "01"])
def test_a_part_that_is_not_there_is_not_found(world: ApiWorld, number: str) -> None:
    assert world.call(path_of(world, mixed(part(b"a"), part(b"b")), number)).status == 404


def test_a_multipart_is_not_found_but_its_parts_are(world: ApiWorld) -> None:
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nin\r\n--i--"
    ulid = world.deliver(mixed(inner)).messages[0]
    assert world.call(f"/v1/messages/{ulid}/parts/1").status == 404
    assert world.call(f"/v1/messages/{ulid}/parts/1.1").body == b"in"


def test_conditions_and_ranges_are_kept(world: ApiWorld) -> None:
    path = path_of(world, encoded(DATA))
    etag = world.call(path).headers["etag"]
    assert world.call(path, headers={"if-none-match": etag}).status == 304
    ranged = world.call(path, headers={"range": "bytes=250-259"})
    assert (ranged.status, ranged.body) == (206, DATA[250:260])
    assert ranged.headers["content-range"] == f"bytes 250-259/{len(DATA)}"
    assert world.call(path, headers={"range": f"bytes={len(DATA)}-"}).status == 416
    head = world.call(path, method="HEAD")
    assert (head.body, head.headers["content-length"]) == (b"", str(len(DATA)))


def test_a_host_without_a_limit_streams_what_is_large(world: ApiWorld) -> None:
    data = DATA * (CHUNK // 256)
    payload = world.api.start(world.event(path_of(world, encoded(data))))
    assert isinstance(payload["body"], Stream)
    assert max(map(len, payload["body"].chunks())) <= CHUNK
    assert reply_of(payload).body == data


def test_what_is_too_large_is_copied_once_and_goes_with_the_message(deployed: tuple[ApiWorld, Links]) -> None:
    world, links = deployed
    path = path_of(world, encoded(DATA * 6, "text/html; name=a.html"))
    ulid = path.split("/")[3]
    assert world.call(path).status == 307
    [(key, name, seconds)] = links.asked
    assert (name, seconds) == ("a.html", 60)
    assert key.startswith(f"derived/{ulid}/1-")
    assert world.world.objects.get(key) == DATA * 6
    assert world.call(path, headers={"range": "bytes=0-9"}).body == DATA[:10]
    world.world.objects.delete(message_key(ulid))
    assert world.call(path).status == 307
    rows = Rows(world.world.objects, world.world.records, Settings())
    Removal(rows, world.world.new_commit).remove([ulid])
    assert world.world.objects.list("derived/") == []
    assert world.call(path).status == 404


@given(st.text(max_size=LONGEST + 30))
def test_a_name_is_only_a_name(name: str) -> None:
    safe = safe_name(name, "fallback")
    value = disposition("attachment", safe)
    assert 0 < len(safe) <= LONGEST
    assert not set(safe) & set('/\\"\r\n\0')
    assert safe[0] != "."
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2


@given(
    st.lists(st.sampled_from([b"=", b"=3D", b"\r\n", b"QUJD", b"M", b"=y", b"begin a\n", b"\n", b" "])),
    st.sampled_from(["base64", "quoted-printable", "x-uuencode", "x-yenc", "binary", None]),
    st.integers(4, 40),
)
def test_octets_that_are_read_piecemeal_decode_as_those_in_memory(
    tokens: list[bytes], encoding: str | None, piece: int
) -> None:
    data = b"".join(tokens)
    known = Decoder(Range(data, 0, len(data)), encoding, piece)
    read = RangeDecoder(lambda start, end: data[start:end], (0, len(data)), encoding, piece)
    assert list(read) == list(known)
