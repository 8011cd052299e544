"""Header fields in a form: each of RFC 8621 §4.1.2, for the fields that may have it."""

from typing import Any

import pytest

from mailscribe.service.api.header_forms import MAX_HEADERS
from support.api import ApiWorld

MAIL = b"""\
From: A <a@example.org>\r
To: Team: b@example.org, C <c@example.org>;, d@example.org\r
Subject: =?utf-8?q?gr=C3=BCn?=\r
Date: Mon, 23 Nov 2026 12:00:00 +0100\r
Message-ID: <1@example.org>\r
References: <2@example.org>\r
 <3@example.org>\r
List-Id: A list <list.example.org>\r
List-Unsubscribe: <mailto:u@example.org>, <https://example.org/u>\r
List-Help: none\r
X-Tag: one\r
x-tag:  two \r
\r
hello\r
"""
CASES: dict[str, Any] = {
    "X-Tag": "  two ",
    "X-Tag:asText": "two",
    "X-Tag:all": [" one", "  two "],
    "x-tag:asText:all": ["one", "two"],
    "X-None:asText": None,
    "X-None:all": [],
    "Subject:asText": "gr\u00fcn",
    "Subject": " =?utf-8?q?gr=C3=BCn?=",
    "List-Id:asText": "A list <list.example.org>",
    "From:asAddresses": [{"name": "A", "email": "a@example.org"}],
    "To:asAddresses": [
        {"name": None, "email": "b@example.org"},
        {"name": "C", "email": "c@example.org"},
        {"name": None, "email": "d@example.org"},
    ],
    "To:asGroupedAddresses": [
        {
            "name": "Team",
            "addresses": [{"name": None, "email": "b@example.org"}, {"name": "C", "email": "c@example.org"}],
        },
        {"name": None, "addresses": [{"name": None, "email": "d@example.org"}]},
    ],
    "References:asMessageIds": ["2@example.org", "3@example.org"],
    "X-Tag:asMessageIds": None,
    "Date:asDate": "2026-11-23T12:00:00+01:00",
    "X-Tag:asDate": None,
    "List-Unsubscribe:asURLs": ["mailto:u@example.org", "https://example.org/u"],
    "List-Help:asURLs": None,
}
REFUSED = [
    "", ",", "Subject,", "a b", "\u00fc", ":asText", "Subject:asHTML", "Subject:astext", "Subject:asText:some",
    "Subject:asText:all:all", "Subject:asText:asRaw", "From:asText", "Subject:asAddresses", "Date:asMessageIds",
    "Message-ID:asDate", "Received:asText", "To:asURLs", "List-Post:asText", "Resent-From:asDate",
]  # fmt: skip


@pytest.fixture(scope="module")
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture(scope="module")
def ulid(world: ApiWorld) -> str:
    return world.deliver(MAIL).messages[0]


@pytest.mark.parametrize("text", CASES)
def test_a_form(world: ApiWorld, ulid: str, text: str) -> None:
    answer = world.call(f"/v1/messages/{ulid}", {"header": text, "properties": "id"})
    assert answer.json() == {"id": ulid, f"header:{text}": CASES[text]}


def test_several_beside_the_whole_record(world: ApiWorld, ulid: str) -> None:
    whole = world.call(f"/v1/messages/{ulid}").json()
    answer = world.call(f"/v1/messages/{ulid}", {"header": "X-Tag, header:Subject:asText"}).json()
    assert answer == whole | {"header:X-Tag": CASES["X-Tag"], "header:Subject:asText": CASES["Subject:asText"]}


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_such_form(world: ApiWorld, ulid: str, text: str) -> None:
    answer = world.call(f"/v1/messages/{ulid}", {"header": text})
    assert (answer.status, answer.json()["parameter"]) == (400, "header")


@pytest.mark.parametrize(("count", "status"), [(MAX_HEADERS - 1, 200), (MAX_HEADERS, 200), (MAX_HEADERS + 1, 400)])
def test_so_many_at_once(world: ApiWorld, ulid: str, count: int, status: int) -> None:
    assert world.call(f"/v1/messages/{ulid}", {"header": ",".join(["X-Tag"] * count)}).status == status
