"""A message as a page over the API: fenced, with its parts, the same until it changes, copied where it is too large."""

from html import escape

import pytest

from mailscribe.service.api.html import SANDBOX
from mailscribe.service.html import policy_of
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from mailscribe.settings import Settings
from support.api import HOST, ApiWorld, Links

LIMIT = 4096
MAIL = (
    b"From: a@test.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p onclick=x>Hi <img src=cid:p@x><img src=https://a.test/1>\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\n\r\nPNG\r\n--b--\r\n"
)


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def deliver(world: ApiWorld, content: bytes = MAIL) -> str:
    return f"/v1/messages/{world.deliver(content).messages[0]}"


def test_a_page_is_fenced(world: ApiWorld) -> None:
    answer = world.call(f"{deliver(world)}/html")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == f"{policy_of(remote=False)}; {SANDBOX}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "private, no-cache"
    policy = dict(each.strip().partition(" ")[::2] for each in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }


def test_its_pictures_are_its_parts_and_remote_ones_are_asked_for(world: ApiWorld) -> None:
    path = deliver(world)
    answer = world.call(f"{path}/html")
    assert f'<p>Hi <img src="{path}/parts/2"><img></p>' in answer.body.decode()
    assert answer.headers["mailscribe-blocked"] == "1"
    assert world.call(f"{path}/parts/2").body == b"PNG"
    allowed = world.call(f"{path}/html", {"remote": "allow"})
    assert f'<img src="{path}/parts/2"><img src="https://a.test/1">' in allowed.body.decode()
    assert allowed.headers["mailscribe-blocked"] == "0"
    assert "img-src 'self' data: https:;" in allowed.headers["content-security-policy"]
    assert world.call(f"{path}/html", {"remote": "block"}).body == answer.body
    assert world.call(f"{path}/html", {"remote": "on"}).status == 400


def test_conditions_are_kept(world: ApiWorld) -> None:
    path = f"{deliver(world)}/html"
    first, allowed = world.call(path), world.call(path, {"remote": "allow"})
    etag = first.headers["etag"]
    unchanged = world.call(path, headers={"if-none-match": etag})
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)
    assert world.call(path, {"remote": "allow"}, headers={"if-none-match": etag}).status == 200
    assert allowed.headers["etag"] != etag
    head = world.call(path, method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(first.body)))


def test_text_alone_is_a_page(world: ApiWorld) -> None:
    answer = world.call(f"{deliver(world, b'From: a@test.org' + b'\r\n\r\n1 < 2\r\n')}/html")
    assert '<pre style="white-space:pre-wrap">1 &lt; 2\n</pre>' in answer.body.decode()


@pytest.mark.parametrize("ulid", ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_what_is_not_there_is_404(world: ApiWorld, ulid: str) -> None:
    assert world.call(f"/v1/messages/{ulid}/html").status == 404


def test_what_is_too_large_is_copied_once_with_its_policy_and_goes_with_the_message() -> None:
    links = Links()
    world = ApiWorld(Settings(hosts=(HOST,), answer_limit=LIMIT), links=links)
    content = b"From: a@test.org\r\nContent-Type: text/html\r\n\r\n<img src=https://a.test/1>" + b"<p>x\r\n" * LIMIT
    path = deliver(world, content)
    answers = [world.call(f"{path}/html") for _ in range(2)]
    assert [(each.status, each.headers["mailscribe-blocked"]) for each in answers] == [(307, "1")] * 2
    [(key, name, _), again] = links.asked
    assert again[0] == key
    [copy] = world.world.objects.list("derived/")
    assert copy.key == key
    assert name == f"{path.rpartition('/')[2]}-page.html"
    text = world.world.objects.get(key).decode()
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy_of(remote=False)}">' in text
    assert escape(policy_of(remote=False), quote=False) == policy_of(remote=False)
    rows = Rows(world.world.objects, world.world.records, Settings())
    Removal(rows, world.world.new_commit).remove([path.rpartition("/")[2]])
    assert world.world.objects.list("derived/") == []
