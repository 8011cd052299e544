"""Links, codes and the reply's own text over the API."""

import pytest

from support.api import ApiWorld

BODY = "Your code is 123456, or see http://a.test/x.\r\n\r\nOn Monday, Bob wrote:\r\n> Really?\r\n"


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_links_codes_and_own_text(world: ApiWorld) -> None:
    path = f"/v1/messages/{world.message(body=BODY)}"
    href = "http://a.test/x"
    assert world.call(f"{path}/links").json() == [{"href": href, "text": href, "kind": "body"}]
    (code,) = world.call(f"{path}/codes").json()
    assert (code["code"], code["confidence"]) == ("123456", 0.9)
    assert "> Really?" in world.call(f"{path}/text").body.decode()
    own = world.call(f"{path}/text", {"quotes": "off"}).body.decode()
    assert own == "Your code is 123456, or see http://a.test/x."
    assert world.call(f"{path}/text", {"quotes": "maybe"}).status == 400


@pytest.mark.parametrize("part", ["links", "codes"])
def test_what_is_not_there_is_404(world: ApiWorld, part: str) -> None:
    assert world.call(f"/v1/messages/01ARZ3NDEKTSV4RRFFQ69G5FAV/{part}").status == 404
    assert world.call(f"/v1/messages/x/{part}").status == 404
