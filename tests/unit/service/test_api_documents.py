"""The OpenAPI document and the two pages: made of the route table, valid, and loading nothing."""

import base64
import hashlib
from html.parser import HTMLParser
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mailscribe.service.api import ROUTES
from mailscribe.service.api.events_stream import EVENT_STREAM
from mailscribe.service.api.problems import PROBLEMS
from support.api import ApiWorld
from support.conversation import plain_message

DOCUMENTED = sorted({route.path for route in ROUTES if route.documented})
READER = [
    route.path for route in ROUTES if route.documented and route.scope != "admin" and "{refused}" not in route.path
]
"""What a reader's token and an id are enough for."""


@pytest.fixture(scope="module")
def world() -> ApiWorld:
    world = ApiWorld()
    world.deliver(plain_message())
    return world


@pytest.fixture(scope="module")
def document(world: ApiWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.call("/v1/openapi.json", using=None).json()
    return found


def read_paths(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, document["paths"][path]) for path in READER]


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_in_the_document_is_served_and_every_served_route_is_in_it(
    world: ApiWorld, document: dict[str, Any]
) -> None:
    assert sorted(document["paths"]) == DOCUMENTED
    ids = {kind: world.call(f"/v1/{kind}").json()[kind][0]["id"] for kind in ("messages", "sessions")}
    methods = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert methods == {(route.path, route.method) for route in ROUTES if route.documented}
    for path in READER:
        kind = "sessions" if "sessions" in path else "messages"
        assert world.call(path.replace("{id}", ids[kind]).replace("{partId}", "1")).status == 200


def test_open_routes_are_those_without_security(document: dict[str, Any]) -> None:
    assert document["security"] == [{"bearer": []}]
    is_open = {path for path, item in document["paths"].items() for each in item.values() if each.get("security") == []}
    assert is_open == {route.path for route in ROUTES if route.documented and route.scope is None}


def test_every_operation_has_its_own_name(document: dict[str, Any]) -> None:
    names = [each["operationId"] for item in document["paths"].values() for each in item.values()]
    assert len(set(names)) == len(names)


def test_every_documented_parameter_is_taken_and_no_other(world: ApiWorld, document: dict[str, Any]) -> None:
    values = {"q": "hello", "limit": "1", "cursor": "", "tz": "UTC", "since": "1h", "count": "1", "timeout": "0"}
    values |= {"properties": "id", "watch": "bob@test.org", "quotes": "off", "header": "List-Id:asText"}
    values |= {"remote": "allow"}
    ulid = world.call("/v1/messages").json()["messages"][0]["id"]
    for path, item in read_paths(document):
        names = [parameter["name"] for parameter in item["get"]["parameters"] if parameter["in"] == "query"]
        if "sessions/{id}" in path:
            assert names == []
            continue
        target = path.replace("{id}", ulid).replace("{partId}", "1")
        assert world.call(target, {name: values[name] for name in names}).status in (200, 204)
        for other in set(values) - set(names):
            assert world.call(target, {other: values[other]}).status == 400


def test_answers_have_the_types_that_are_documented(world: ApiWorld, document: dict[str, Any]) -> None:
    ids = {kind: world.call(f"/v1/{kind}").json()[kind][0]["id"] for kind in ("messages", "sessions")}
    for path, item in read_paths(document):
        kind = "sessions" if "sessions" in path else "messages"
        for media_type in item["get"]["responses"]["200"]["content"].keys() - {EVENT_STREAM}:  # hosts that hold only
            answer = world.call(
                path.replace("{id}", ids[kind]).replace("{partId}", "1"), headers={"accept": media_type}
            )
            assert media_type in ("*/*", answer.headers["content-type"].partition(";")[0])


def test_records_fit_their_schemas(world: ApiWorld, document: dict[str, Any]) -> None:
    ids = {kind: world.call(f"/v1/{kind}").json()[kind][0]["id"] for kind in ("messages", "sessions")}
    for path, item in read_paths(document):
        content = item["get"]["responses"]["200"]["content"].get("application/json")
        if content is not None and path != "/v1/openapi.json":
            kind = "sessions" if "sessions" in path else "messages"
            answer = world.call(path.replace("{id}", ids[kind]).replace("{partId}", "1")).json()
            OAS31Validator(content["schema"] | {"components": document["components"]}).validate(answer)


def test_a_problem_fits_its_schema(world: ApiWorld, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Problem"]
    for query in ("x=1", "q=(", "cursor=x"):
        OAS31Validator(schema).validate(world.call("/v1/messages", query).json())


class Page(HTMLParser):
    """What a page holds that matters here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in self.inline:
            self.inline[self.tags[-1][0]].append(data)


@pytest.mark.parametrize("path", ["/", "/v1/docs"])
def test_a_page_loads_nothing_and_runs_only_what_its_policy_names(world: ApiWorld, path: str) -> None:
    answer = world.call(path, using=None)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    page = Page(answer.body.decode())
    for kind in ("style", "script"):
        texts = ["".join(page.inline[kind])] if page.inline[kind] else []
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]
        assert policy.get(f"{kind}-src", "").split() == hashes
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "img", "object", "embed", "base")
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        assert "src" not in attributes
        if tag == "link":
            assert attributes["href"] == "data:,"
    assert len(set(page.ids)) == len(page.ids)


def test_the_list_page_holds_no_data_and_writes_text_only(world: ApiWorld) -> None:
    text = world.call("/", using=None).body.decode()
    assert text == world.call("/").body.decode()
    assert "mable@" not in text
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval",
        "localStorage",
        "Function(",
    ):
        assert dangerous not in text


def test_the_list_page_can_be_used_without_sight(world: ApiWorld) -> None:
    page = Page(world.call("/", using=None).body.decode())
    tags = [tag for tag, _ in page.tags]
    assert page.tags[0] == ("html", {"lang": "en"})
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    labels = {attributes["for"] for tag, attributes in page.tags if tag == "label"}
    assert {attributes["id"] for tag, attributes in page.tags if tag == "input"} == labels
    assert any(attributes.get("role") == "status" for _, attributes in page.tags)


def test_the_docs_page_tells_of_every_route_parameter_and_problem(world: ApiWorld) -> None:
    text = world.call("/v1/docs", using=None).body.decode()
    page = Page(text)
    for route in ROUTES:
        if route.documented:
            assert f"{route.method} {route.path}" in text
            assert all(f"<code>{parameter.name}</code>" in text for parameter in route.parameters)
    assert {f"problem-{problem.name}" for problem in PROBLEMS} <= set(page.ids)
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(page.ids)


def test_what_is_wrong_with_a_body_is_in_the_document(document: dict[str, Any]) -> None:
    for path in ("/v1/rules", "/v1/rules/{name}"):
        assert {"413", "422"} <= set(document["paths"][path]["put"]["responses"])
        assert not {"413", "422"} & set(document["paths"][path]["get"]["responses"])
