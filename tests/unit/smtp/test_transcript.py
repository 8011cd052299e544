"""Stored transcripts: exact form, readable when torn at any octet, refused when they are none."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from mailscribe.errors import CorruptObject
from mailscribe.records import Client, Content, Finding
from mailscribe.smtp import (
    Closed,
    ContentEvent,
    End,
    LineEvent,
    Note,
    NoteEvent,
    classic,
    close_lost,
    findings,
    read_transcript,
    turns,
)
from support.machine import GOOD, SESSION_ID, in_content, message_id

FIRST = (
    b'{"v":1,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","client":{"ip":"192.0.2.7","port":40025},'
    b'"listener":"smtp","host":"test.org","opened":"1998-05-21T18:37:24.000Z"}\n'
)
SHA = "0" * 64


def stored(*lines: str) -> bytes:
    return FIRST + "".join(f"{line}\n" for line in lines).encode()


def whole_session() -> bytes:
    driver = in_content()
    driver.say(GOOD + b".\r\nQUIT\r\n")
    return driver.stored


def test_the_stored_form() -> None:
    lines = whole_session().decode().splitlines()
    assert lines[0] == (
        f'{{"v":1,"id":"{SESSION_ID}","client":{{"ip":"192.0.2.7","port":40025}},'
        '"listener":"smtp","host":"test.org","opened":"1998-05-21T18:37:24.000Z"}'
    )
    assert lines[1] == '{"t":0,"dir":"S","line":"220 test.org ESMTP mailscribe ready"}'
    assert lines[2] == '{"t":0,"dir":"C","line":"EHLO sun.tuc.test.org"}'
    data = json.loads(lines[-5])
    assert data["data"].keys() == {"bytes", "lines", "sha256", "accepted", "message"}
    assert (data["dir"], data["data"]["message"], data["data"]["accepted"]) == ("C", message_id(1), True)
    assert lines[-1] == '{"t":0,"dir":"!","end":"quit","outcome":["delivered"],"closed":"1998-05-21T18:37:24.000Z"}'


def test_every_form_of_event() -> None:
    data = stored(
        '{"t":1,"dir":"S","line":"220 hi"}',
        '{"t":2,"dir":"C","lineB64":"/wA="}',
        '{"t":3,"dir":"C","data":{"bytes":1,"lines":2,"sha256":"0","accepted":false,"torn":true,"new":[]}}',
        '{"t":4,"dir":"!","note":{"tls":{"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","sni":null}}}',
        '{"t":5,"dir":"!","note":{"closed":{"by":"client","reason":"connection lost"}},"future":1}',
        '{"t":6,"dir":"!","end":"aborted","outcome":["rejected"],"closed":"1998-05-21T18:37:25.000Z",'
        '"findings":[{"code":"nul","turn":1}]}',
    )
    transcript = read_transcript(data)
    assert transcript.client == Client(ip="192.0.2.7", port=40025)
    assert transcript.opened == datetime(1998, 5, 21, 18, 37, 24, tzinfo=UTC)
    line, octets, content, tls, closed = transcript.events
    assert line == LineEvent(1, "S", b"220 hi")
    assert octets == LineEvent(2, "C", b"\xff\x00")
    assert isinstance(octets, LineEvent)
    assert octets.text == "\\xff\x00"
    assert content == ContentEvent(3, Content(bytes=1, lines=2, sha256="0", accepted=False), torn=True)
    assert isinstance(tls, NoteEvent)
    assert tls.note.tls is not UNSET
    assert tls.note.tls.version == "TLSv1.3"
    assert closed == NoteEvent(5, Note(closed=Closed("client", "connection lost")))
    assert transcript.end == End(
        6, "aborted", ("rejected",), datetime(1998, 5, 21, 18, 37, 25, tzinfo=UTC), (Finding(code="nul", turn=1),)
    )


def test_torn_at_every_octet() -> None:
    data = whole_session()
    first = data.index(b"\n") + 1
    for cut in range(len(data)):
        if cut < first:
            with pytest.raises(CorruptObject):
                read_transcript(data[:cut])
            continue
        transcript = read_transcript(data[:cut])
        assert transcript.end is None
        assert len(transcript.events) == data[:cut].count(b"\n") - 1
        classic(transcript)
        healed = read_transcript(close_lost(data[:cut]))
        assert healed.end is not None
        assert healed.end.end == "lost"
        assert healed.events == transcript.events
        assert findings(healed) == findings(transcript)
    assert read_transcript(data).end is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{}\n",
        b"not json\n",
        FIRST.replace(b'"v":1', b'"v":2'),
        FIRST + b"\n",
        FIRST + b"{}\n",
        FIRST + b'{"t":1,"dir":"X","line":"a"}\n',
        FIRST + b'{"t":-1,"dir":"C","line":"a"}\n',
        FIRST + b'{"t":1000000000000000000,"dir":"C","line":"a"}\n',
        FIRST + b'{"t":1,"dir":"C"}\n',
        FIRST + b'{"t":1,"dir":"!"}\n',
        FIRST + b'{"t":1,"dir":"S","line":"hello"}\n',
        FIRST + b'{"t":1,"dir":"S","line":""}\n',
        FIRST + b'{"t":1,"dir":"S","line":"950 x"}\n',
        FIRST + b'{"t":1,"dir":"C","lineB64":"***"}\n',
        FIRST + b'{"t":1,"dir":"C","lineB64":"\xc3\xa4"}\n',
        FIRST + b'{"t":1,"dir":"C","line":"\xff"}\n',
        FIRST + b'{"t":1,"dir":"C","line":"\\ud800"}\n',
        FIRST + b'{"t":1,"dir":"!","end":"quit"}\n',
        FIRST + b'{"t":1,"dir":"!","end":"bored","closed":"1998-05-21T18:37:25.000Z"}\n',
        FIRST + b'{"t":1,"dir":"C","data":{"bytes":1}}\n',
    ],
)
def test_what_is_no_transcript(data: bytes) -> None:
    with pytest.raises(CorruptObject):
        read_transcript(data)


def test_an_end_that_is_not_the_last_line_is_no_transcript() -> None:
    data = whole_session()
    end = data.splitlines(keepends=True)[-1]
    with pytest.raises(CorruptObject):
        read_transcript(data + end)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
encoded = st.binary(max_size=30).map(lambda octets: base64.b64encode(octets).decode())
content = {"bytes": 1, "lines": 1, "sha256": SHA}
lines = st.one_of(
    text.map(lambda line: {"t": 1, "dir": "C", "line": line}),
    text.map(lambda line: {"t": 1, "dir": "C", "line": f"AUTH {line}"}),
    encoded.map(lambda octets: {"t": 1, "dir": "C", "lineB64": octets}),
    st.tuples(st.integers(200, 599), st.sampled_from(" -"), text).map(
        lambda parts: {"t": 2, "dir": "S", "line": "{}{}{}".format(*parts)}
    ),
    st.booleans().map(lambda accepted: {"t": 3, "dir": "C", "data": {**content, "accepted": accepted}}),
    text.map(lambda code: {"t": 4, "dir": "!", "note": {"finding": code}}),
)


@given(st.lists(lines, max_size=20))
def test_whatever_the_events_they_can_be_told(events: list[dict[str, object]]) -> None:
    transcript = read_transcript(FIRST + b"".join(json.dumps(event).encode() + b"\n" for event in events))
    told = turns(transcript)
    assert [turn.seq for turn in told] == list(range(len(told)))
    shown = classic(transcript)
    assert shown.replace("\n", "").isprintable()
    healed = read_transcript(close_lost(FIRST + b"".join(json.dumps(event).encode() + b"\n" for event in events)))
    assert findings(healed) == findings(transcript)
