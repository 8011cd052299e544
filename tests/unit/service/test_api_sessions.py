"""Sessions over the API: lists, records, and the conversation in three forms, while it lasts and after."""

import json

import pytest

from mailscribe.store.keys import message_key
from support.api import ApiWorld
from support.conversation import converse, plain_message

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
FORMS = ("application/json", "text/plain", "application/jsonl")


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def no_mail(world: ApiWorld) -> str:
    """A session in which no mail was sent."""
    told = converse(number=9, extra=b"VRFY bob\r\nNONSENSE\r\n")
    world.world.hold(told)
    world.world.deliver(told.session_object)
    return told.session


def test_a_list_holds_sessions_with_and_without_mail_newest_first(world: ApiWorld) -> None:
    mailed = world.deliver(plain_message(), number=1)
    mailless = no_mail(world)
    page = world.call("/v1/sessions").json()
    assert [session["id"] for session in page["sessions"]] == [mailless, mailed.session]
    assert page["next"] is None
    first, second = page["sessions"]
    assert (first["messages"], second["messages"]) == ([], mailed.messages)
    assert second["client"] == {"ip": "192.0.2.17", "port": 40001}
    assert second | {"state": "closed", "helo": "sun.tuc.test.org", "outcome": ["delivered"], "end": "quit"} == second
    assert (second["turns"], second["lastReply"]) == (7, "221 2.0.0 test.org closing connection")


def test_pages_follow_one_another(world: ApiWorld) -> None:
    ids = [world.deliver(number=number).session for number in range(1, 6)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = world.call("/v1/sessions", {"limit": 2, "cursor": cursor}).json()
        found += [session["id"] for session in page["sessions"]]
        cursor = page["next"]
    assert found == ids[::-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [("rcpt:bob@test.org", 1), ("mailfrom:mable", 1), ("session:", 1), ("VRFY", 1), ("nothinglikethat", 0)],
)
def test_a_query_selects(world: ApiWorld, query: str, count: int) -> None:
    session = world.deliver(plain_message(), number=1).session
    no_mail(world)
    text = query + session if query == "session:" else query
    assert len(world.call("/v1/sessions", {"q": text}).json()["sessions"]) == count


def test_a_session_is_whole(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    session = world.call(f"/v1/sessions/{told.session}").json()
    assert session["state"] == "closed"
    assert [turn["verb"] for turn in session["turns"]] == [None, "EHLO", "MAIL", "RCPT", "DATA", "EOD", "QUIT"]
    assert "commit" not in session
    assert "closing" not in session


def test_the_classic_form_is_exact(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    answer = world.call(f"/v1/sessions/{told.session}/transcript", headers={"accept": "text/plain"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    assert answer.body.decode() == (
        "220 test.org ESMTP mailscribe ready\n"
        ">>> EHLO sun.tuc.test.org\n"
        "250-test.org Hello sun.tuc.test.org, pleased to meet you\n"
        "250-PIPELINING\n250-SIZE 52428800\n250-8BITMIME\n250-SMTPUTF8\n250-ENHANCEDSTATUSCODES\n"
        "250-CHUNKING\n250-BINARYMIME\n250-LIMITS RCPTMAX=1000 MAILMAX=1000\n250 HELP\n"
        ">>> MAIL FROM:<mable@sun.tuc.test.org>\n"
        "250 2.1.0 <mable@sun.tuc.test.org>... Sender ok\n"
        ">>> RCPT TO:<bob@test.org>\n"
        "250 2.1.5 <bob@test.org>... Recipient ok\n"
        ">>> DATA\n"
        '354 Enter mail, end with "." on a line by itself\n'
        f">>> ({len(plain_message())} bytes)\n"
        ">>> .\n"
        f"250 2.0.0 {told.messages[0]} Message accepted for delivery\n"
        ">>> QUIT\n"
        "221 2.0.0 test.org closing connection\n"
    )


def test_the_stored_form_is_the_object(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    answer = world.call(f"/v1/sessions/{told.session}/transcript", headers={"accept": "application/jsonl"})
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.body == world.world.objects.get(told.session_object)


def test_turns_are_those_of_the_record(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    record = world.call(f"/v1/sessions/{told.session}").json()
    transcript = world.call(f"/v1/sessions/{told.session}/transcript").json()
    assert transcript == {"session": told.session, "turns": record["turns"]}


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/plain; charset=utf-8"),
        ("text/plain;q=0.5, application/json;q=0.4", "text/plain; charset=utf-8"),
        ("text/plain, */*;q=0.1", "text/plain; charset=utf-8"),
        ("application/jsonl", "application/jsonl"),
        ("APPLICATION/JSONL ; q=1.0", "application/jsonl"),
        ("application/*, application/json;q=0", "application/jsonl"),
        ("rubbish, text/plain", "text/plain; charset=utf-8"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("text/plain;format=flowed", "text/plain; charset=utf-8"),
    ],
)
def test_accept_chooses_the_form(world: ApiWorld, accept: str | None, given: str) -> None:
    told = world.deliver()
    headers = {} if accept is None else {"accept": accept}
    answer = world.call(f"/v1/sessions/{told.session}/transcript", headers=headers)
    assert (answer.status, answer.headers["content-type"], answer.headers["vary"]) == (200, given, "Accept")


@pytest.mark.parametrize("accept", ["image/png", "text/plain;q=0", "*/*;q=0", "rubbish", "text/html, image/*", "text"])
def test_no_form_that_is_accepted_is_said(world: ApiWorld, accept: str) -> None:
    told = world.deliver()
    answer = world.call(f"/v1/sessions/{told.session}/transcript", headers={"accept": accept})
    assert answer.status == 406
    assert answer.headers["vary"] == "Accept"
    assert all(form in answer.json()["detail"] for form in FORMS)


def test_a_session_that_lasts_is_known_as_far_as_its_latest_message_tells(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1), plain_message(2), ended=False)
    path = f"/v1/sessions/{told.session}"
    assert world.call(path).json()["state"] == "open"
    assert world.call("/v1/sessions").json()["sessions"][0]["state"] == "open"
    document = world.call(f"{path}/transcript").json()
    assert document["open"] is True
    verbs = [turn["verb"] for turn in document["turns"]]
    assert verbs == [None, "EHLO", "MAIL", "RCPT", "DATA", "EOD", "MAIL", "RCPT", "DATA"]
    text = world.call(f"{path}/transcript", headers={"accept": "text/plain"}).body.decode()
    assert text.splitlines()[0] == "220 test.org ESMTP mailscribe ready"
    assert f"250 2.0.0 {told.messages[0]} Message accepted for delivery" in text
    lines = world.call(f"{path}/transcript", headers={"accept": "application/jsonl"}).body.splitlines()
    assert json.loads(lines[0])["id"] == told.session
    world.world.deliver(told.session_object)
    assert "open" not in world.call(f"{path}/transcript").json()
    assert world.call(path).json()["state"] == "closed"


def test_a_lost_session_is_told_by_its_latest_message_and_has_an_end(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1), plain_message(2), ended=False)
    world.world.objects.delete(told.session_object)
    assert world.world.sweep() == 1
    path = f"/v1/sessions/{told.session}"
    session = world.call(path).json()
    assert (session["state"], session["end"], session["messages"]) == ("closed", "lost", told.messages)
    document = world.call(f"{path}/transcript").json()
    assert document == {"session": told.session, "turns": session["turns"]}
    text = world.call(f"{path}/transcript", headers={"accept": "text/plain"}).body.decode()
    assert text.endswith("--- closed: the server stopped\n")
    lines = world.call(f"{path}/transcript", headers={"accept": "application/jsonl"}).body.splitlines()
    assert json.loads(lines[0])["id"] == told.session
    assert json.loads(lines[-1])["end"] == "lost"
    first = world.call(f"/v1/messages/{told.messages[0]}/transcript").json()
    assert "open" not in first
    assert [turn["verb"] for turn in first["turns"]] == ["MAIL", "RCPT", "DATA"]


def test_of_a_session_that_lasts_an_earlier_message_tells_when_the_latest_is_gone(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1), plain_message(2), ended=False)
    world.world.objects.delete(message_key(told.messages[1]))
    verbs = [turn["verb"] for turn in world.call(f"/v1/sessions/{told.session}/transcript").json()["turns"]]
    assert verbs == [None, "EHLO", "MAIL", "RCPT", "DATA"]
    world.world.objects.delete(message_key(told.messages[0]))
    assert world.call(f"/v1/sessions/{told.session}/transcript").status == 404


@pytest.mark.parametrize("part", ["", "/transcript"])
@pytest.mark.parametrize("ulid", [UNKNOWN, "x", UNKNOWN.lower(), UNKNOWN + "0", "%00", '"x', "ä"])
def test_an_id_that_is_unknown_or_malformed_is_not_found(world: ApiWorld, ulid: str, part: str) -> None:
    assert world.call(f"/v1/sessions/{ulid}{part}").status == 404


def test_a_message_s_id_is_no_session_s(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    assert world.call(f"/v1/sessions/{told.messages[0]}").status == 404
    assert world.call(f"/v1/messages/{told.session}").status == 404


def test_of_a_session_whose_object_is_damaged_what_can_be_read_is_given(world: ApiWorld) -> None:
    told = converse([plain_message()])
    lines = told.objects[told.session_object].splitlines(keepends=True)
    told.objects[told.session_object] = b"".join([*lines[:3], b"rubbish\n", *lines[4:]])
    world.world.hold(told)
    for key in told.objects:
        world.world.deliver(key)
    path = f"/v1/sessions/{told.session}/transcript"
    for accept in FORMS:
        answer = world.call(path, headers={"accept": accept})
        assert answer.status == 200
        assert b"Recipient ok" in answer.body
    assert answer.body == told.objects[told.session_object]
