"""Who is let in: every route with every kind of token, every host, every way to write a path."""

import logging

import pytest

from mailscribe.service.api import ROUTES
from mailscribe.service.api.application import host_name
from mailscribe.settings import Settings
from mailscribe.store.ports import Objects, Records
from support.api import HOST, ApiWorld
from support.conversation import plain_message
from support.faults import Faults, FaultyObjects, FaultyRecords

OPEN = {"/v1/health", "/v1/openapi.json", "/v1/docs", "/"}
PATHS = sorted(
    route.path for route in ROUTES if route.scope not in ("admin", "delete") and "{refused}" not in route.path
)
REFUSALS: dict[str | None, tuple[int, str, str | None]] = {
    None: (401, "unauthenticated", 'Bearer realm="mailscribe"'),
    "": (401, "bad-token", 'Bearer realm="mailscribe", error="invalid_token"'),
    "wrong": (401, "bad-token", 'Bearer realm="mailscribe", error="invalid_token"'),
    "expired": (401, "bad-token", 'Bearer realm="mailscribe", error="invalid_token"'),
    "deleter": (403, "missing-scope", 'Bearer realm="mailscribe", error="insufficient_scope", scope="read"'),
    "narrow": (403, "token-bound-to-recipients", None),
}
"""Token → status, problem and challenge."""


@pytest.fixture(scope="module")
def world() -> ApiWorld:
    return ApiWorld()


def filled(world: ApiWorld, path: str) -> str:
    """The path with an id that exists."""
    kind = "sessions" if "sessions" in path else "messages"
    if not world.call(f"/v1/{kind}").json()[kind]:
        world.deliver(plain_message())
    return path.replace("{partId}", "1").replace("{id}", world.call(f"/v1/{kind}").json()[kind][0]["id"])


def test_what_is_open_is_what_may_be() -> None:
    assert {route.path for route in ROUTES if route.scope is None} == OPEN
    assert {route.scope for route in ROUTES} == {None, "read", "delete", "admin"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_a_reader_is_let_in_everywhere(world: ApiWorld, path: str, method: str) -> None:
    assert world.call(filled(world, path), method=method).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("token", list(REFUSALS))
@pytest.mark.parametrize("path", PATHS)
def test_nobody_else_is_let_in_but_where_it_is_open(world: ApiWorld, path: str, token: str | None, method: str) -> None:
    answer = world.call(filled(world, path), using=token, method=method)
    if path in OPEN:
        assert answer.status == 200
        return
    status, problem, challenge = REFUSALS[token]
    assert (answer.status, answer.headers.get("www-authenticate")) == (status, challenge)
    if method == "GET":
        assert answer.json()["type"] == f"/v1/docs#problem-{problem}"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/nothing",
        "",
        "//",
        "/v1/health/",
        "/v1//health",
        "/V1/health",
        "/v1/Health",
        "/v1/health\n",
        "/v1/health\0",
        "/v1/openapiXjson",
        "/v1/docs/../messages",
        "/v1/messages/",
        "/v1/messages/wait/",
        "/../v1/health",
        "/v1/health;x",
        "/v1/health/%2e%2e/messages",
        "*",
    ],
)
def test_an_unknown_path_needs_a_token_before_it_is_not_found(world: ApiWorld, path: str, method: str) -> None:
    assert world.call(path, using=None, method=method).status == 401
    assert world.call(path, using="wrong", method=method).status == 401
    assert world.call(path, method=method).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_not_allowed(world: ApiWorld, path: str, method: str) -> None:
    place = filled(world, path)
    answer = world.call(place, method=method)
    deletes = any(route.scope == "delete" and route.matches(place) for route in ROUTES)
    if method == "DELETE" and deletes:
        assert (answer.status, answer.json()["type"]) == (403, "/v1/docs#problem-missing-scope")
        return
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"} | ({"DELETE"} if deletes else set())
    assert "access-control-allow-origin" not in answer.headers
    if path not in OPEN:
        assert world.call(path, using=None, method=method).status == 401


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "",
        " ",
        f"{HOST}.evil.test",
        f"evil.{HOST}",
        f"{HOST}@evil.test",
        f"{HOST}:80:80",
        "[::1]",
        f"{HOST}:x",
    ],
)
def test_an_unknown_host_is_told_so_whoever_asks(world: ApiWorld, host: str, path: str) -> None:
    for token in ("reader", "wrong", None):
        answer = world.call(path, using=token, headers={"host": host})
        assert (answer.status, answer.json()["type"]) == (421, "/v1/docs#problem-unknown-host")


def test_a_request_without_a_host_is_for_an_unknown_one(world: ApiWorld) -> None:
    event = world.event("/v1/health")
    del event["headers"]["host"]
    assert world.api(event)["statusCode"] == 421


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:8025", f"{HOST}:", f" {HOST} "])
def test_a_known_host_is_known_with_any_port_and_in_any_case(world: ApiWorld, host: str) -> None:
    assert world.call("/v1/health", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (("*",), "anything", 200),
        (("*",), "", 200),
        ((), HOST, 421),
        (("::1",), "[::1]:8025", 200),
        (("[::1]",), "[::1]", 200),
        (("::1",), "[::2]:8025", 421),
        (("127.0.0.1", "localhost"), "LocalHost:1", 200),
        (("a.test:443",), "a.test", 200),
    ],
)
def test_hosts_are_a_setting(hosts: tuple[str, ...], host: str, status: int) -> None:
    world = ApiWorld(Settings(hosts=hosts))
    assert world.call("/v1/health", headers={"host": host}).status == status


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("", ""),
        (":", ""),
        ("::1", "::1"),
        ("[::1", "::1"),
        ("[]", ""),
        ("a:b", "a:b"),
        ("a:١", "a:١"),
        ("A.b:1", "a.b"),
    ],
)
def test_the_name_in_a_host_field(field: str, name: str) -> None:
    assert host_name(field) == name


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_kept_from_caches_and_guesses(world: ApiWorld, path: str) -> None:
    for token in ("reader", "wrong"):
        headers = world.call(filled(world, path), using=token).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        is_tagged = path.endswith(("/raw", "/{partId}", "/text", "/html")) and token == "reader"
        expected = "private, no-cache" if is_tagged else "no-store"
        assert headers["cache-control"] == expected
        assert not {name for name in headers if name.startswith("access-control")}


def test_open_routes_touch_no_store() -> None:
    faults = Faults(down=True)

    def broken_objects(objects: Objects) -> Objects:
        return FaultyObjects(objects, faults)

    def broken_records(records: Records) -> Records:
        return FaultyRecords(records, faults)

    world = ApiWorld(objects=broken_objects, records=broken_records)
    assert {path: world.call(path, using=None).status for path in OPEN} == dict.fromkeys(OPEN, 200)
    assert world.call("/v1/messages", using=None).status == 401
    assert faults.calls == []


def test_tokens_are_not_written_to_the_log(world: ApiWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.call("/v1/messages", using="a-secret-token")
    assert "a-secret-token" not in caplog.text
