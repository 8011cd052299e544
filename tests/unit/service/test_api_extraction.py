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


def test_text_has_a_tag_and_ranges_that_may_cut_a_character(world: ApiWorld) -> None:
    path = f"/v1/messages/{world.message(body='grün, > x\r\n> quoted\r\n')}/text"
    whole = world.call(path)
    etag = whole.headers["etag"]
    unchanged = world.call(path, headers={"if-none-match": etag})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert world.call(path, {"quotes": "off"}).headers["etag"] != etag
    for start, end in ((0, 3), (3, 5), (4, len(whole.body))):
        part = world.call(path, headers={"range": f"bytes={start}-{end - 1}"})
        assert (part.status, part.body) == (206, whole.body[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(whole.body)}"
    assert world.call(path, headers={"range": f"bytes={len(whole.body)}-"}).status == 416
    head = world.call(path, method="HEAD")
    assert (head.body, head.headers["content-length"]) == (b"", str(len(whole.body)))


@pytest.mark.parametrize("part", ["links", "codes"])
def test_what_is_not_there_is_404(world: ApiWorld, part: str) -> None:
    assert world.call(f"/v1/messages/01ARZ3NDEKTSV4RRFFQ69G5FAV/{part}").status == 404
    assert world.call(f"/v1/messages/x/{part}").status == 404
