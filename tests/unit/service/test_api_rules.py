"""Rules over the API: put, told back, taken away; and who may not, and what is none."""

import json

import pytest

from mailscribe.service.api.application import MAX_BODY
from mailscribe.store.keys import RULES as RULES_PREFIX
from mailscribe.store.keys import rules_key
from support.api import HOST, ApiWorld

RULES = [
    {
        "at": "rcpt",
        "recipient": "*@example.org",
        "defer": {"code": 450, "enhanced": "4.2.0", "text": "Later"},
        "times": 1,
    },
    {"at": "eod", "sender": "<>", "discard": True},
]


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_a_set_is_put_told_and_taken_away(world: ApiWorld) -> None:
    assert world.call("/v1/rules", using="admin").json() == {"sets": []}
    put = world.call("/v1/rules/tests-1", method="PUT", using="admin", body={"rules": RULES})
    assert (put.status, put.json()) == (200, {"name": "tests-1", "rules": RULES})
    assert world.call("/v1/rules/tests-1", using="admin").json()["rules"] == RULES
    world.call("/v1/rules", method="PUT", using="admin", body={"rules": []})
    sets = world.call("/v1/rules", using="admin").json()["sets"]
    assert [each["name"] for each in sets] == ["default", "tests-1"]
    stored = json.loads(world.world.objects.get(rules_key("tests-1")))
    assert stored == {"rules": RULES}
    assert world.call("/v1/rules/tests-1", method="DELETE", using="admin").status == 204
    assert world.call("/v1/rules/tests-1", using="admin").status == 404
    assert world.call("/v1/rules/tests-1", method="DELETE", using="admin").status == 404
    assert world.call("/v1/rules", method="DELETE", using="admin").status == 204
    assert world.call("/v1/rules", using="admin").json() == {"sets": []}


def test_a_ttl_ends_what_has_no_end(world: ApiWorld) -> None:
    own = {"at": "mail", "accept": True, "expires": "2999-01-01T00:00:00+00:00"}
    past = {"at": "mail", "accept": True, "expires": "1999-01-01T00:00:00+00:00"}
    body = {"rules": [{"at": "mail", "accept": True}, own, past], "ttl": 60}
    rules = world.call("/v1/rules/t", method="PUT", using="admin", body=body).json()["rules"]
    assert [rule["expires"][:4] for rule in rules] == [str(2023), "2999"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"rules":[{"\\ud800":1}]}', "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "expected"),
        ({"rules": [{"x" * 9999: 1}]}, f"rules[0].{'x' * 80}: no such key"),
        ({"rules": [], "x" * 9999: 1}, f"{'x' * 80}: no such key"),
        ({"rules": [7]}, "rules[0].rule: is no mapping"),
        ({"rules": 7}, "expected"),
        ({"rules": [], "tll": 3}, "tll: no such key"),
        ({"rules": [], "ttl": 0}, "ttl: seconds"),
        ({"rules": [{"at": "mail", "accept": True}, {"at": "mail", "reject": {"code": 250}}]}, "rules[1].reject: code"),
        ({"rules": [{"at": "mail", "accept": True}] * 1001}, "more than 1000"),
    ],
)
def test_what_is_none_is_said(world: ApiWorld, body: object, word: str) -> None:
    answer = world.call("/v1/rules/t", method="PUT", using="admin", body=body)
    assert answer.status == 422
    assert answer.json()["type"] == "/v1/docs#problem-bad-body"
    assert word in answer.json()["detail"]
    assert world.call("/v1/rules/t", using="admin").status == 404


def test_what_is_no_set_is_not_told_and_can_be_taken_away(world: ApiWorld) -> None:
    world.call("/v1/rules/good", method="PUT", using="admin", body={"rules": RULES})
    for name, data in (("bad", b"{"), ("worse", b'{"rules":[{"at":"x"}]}'), ("UPPER", b'{"rules":[]}')):
        world.world.objects.put(rules_key(name), [data])
    assert [each["name"] for each in world.call("/v1/rules", using="admin").json()["sets"]] == ["good"]
    assert world.call("/v1/rules/bad", using="admin").status == 404
    assert world.call("/v1/rules/bad", method="DELETE", using="admin").status == 204
    assert world.call("/v1/rules/bad", method="DELETE", using="admin").status == 404


def test_more_sets_than_a_listing_holds(world: ApiWorld) -> None:
    for number in range(1001):
        world.world.objects.put(rules_key(f"t{number}"), [b'{"rules":[]}'])
    assert len(world.call("/v1/rules", using="admin").json()["sets"]) == 1001
    assert world.call("/v1/rules", method="DELETE", using="admin").status == 204
    assert world.call("/v1/rules", using="admin").json() == {"sets": []}


def test_a_set_that_is_taken_away_while_all_are_told(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = world.world.objects
    for name in ("a", "b"):
        world.call(f"/v1/rules/{name}", method="PUT", using="admin", body={"rules": []})
    listed = objects.list(RULES_PREFIX)
    world.call("/v1/rules/a", method="DELETE", using="admin")
    monkeypatch.setattr(objects, "list", lambda *_, after="", **__: [] if after else listed)
    assert world.call("/v1/rules", using="admin").json() == {"sets": [{"name": "b", "rules": []}]}


@pytest.mark.parametrize("name", ["UPPER", "a.b", "a_b", "x" * 65, "..", "%2e%2e"])
def test_what_is_no_name_is_not_found(world: ApiWorld, name: str) -> None:
    for method, body in (("GET", None), ("PUT", {"rules": []}), ("DELETE", None)):
        assert world.call(f"/v1/rules/{name}", method=method, using="admin", body=body).status == 404


def test_only_an_admin_may(world: ApiWorld) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert world.call("/v1/rules", method=method, using="reader", body={"rules": []}).status == 403
        assert world.call("/v1/rules/t", method=method, using=None, body={"rules": []}).status == 401


def test_pages_of_others_and_large_bodies_are_refused(world: ApiWorld) -> None:
    origins = [(f"https://{HOST}", 200), (f"http://{HOST.upper()}", 200), (f"https://{HOST}:3000", 403)]
    origins += [(origin, 403) for origin in ("https://evil.test", "null", "http://[", f"https://{HOST}@evil.test", " ")]
    for origin, status in origins:
        answer = world.call("/v1/rules/t", method="PUT", using="admin", body={"rules": []}, headers={"origin": origin})
        assert answer.status == status
    assert world.call("/v1/rules/t", method="PUT", using="admin", body=b" " * (MAX_BODY + 1)).status == 413
    refused = world.call("/v1/rules", method="POST", using="admin", body={})
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, PUT, DELETE")
