"""What is made of a message lies under its id, is made once, again when it would be another, and goes with it."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from msgspec import structs

from mailscribe.records import BodyPart, MessageRecord
from mailscribe.service.ingest import Outcome
from mailscribe.service.reindex import Reindex
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key
from mailscribe.store.ports import ObjectInfo, Objects
from support.api import HOST, ApiWorld, Links
from support.conversation import converse
from support.world import World

LIMIT = 1024
NOISE = "".join(f"{number * 7919 % 65536:04x} " for number in range(4000))
MAIL = (
    "From: a@test.org\r\nSubject: " + NOISE[:2000] + "\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    + "".join(f"<a href=http://a.test/{number}>{123456 + number} is your code</a>\r\n" for number in range(200))
    + f"\r\n--b\r\nContent-Type: application/x-noise\r\n\r\n{NOISE}\r\n--b--\r\n"
).encode()
RECIPIENTS = tuple(f"{hashlib.sha256(b'%d' % number).hexdigest()}@test.org" for number in range(40))
FORMS = ("", "/raw", "/headers", "/text", "/html", "/links", "/codes", "/transcript", "/parts/1", "/parts/2")


@dataclass
class Hooked:
    """Objects that call `hook` once, right before something is put under `derived/`."""

    inner: Objects
    hook: Callable[[], object] | None = None
    puts: list[str] = field(default_factory=list)

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        if key.startswith("derived/"):
            self.puts.append(key)
            hook, self.hook = self.hook, None
            if hook is not None:
                hook()
        return self.inner.put(key, chunks, content_type=content_type)

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        return self.inner.get(key, start, end)

    def head(self, key: str) -> ObjectInfo:
        return self.inner.head(key)

    def delete(self, key: str) -> None:
        self.inner.delete(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        return self.inner.list(prefix, after=after, limit=limit)


class Deployed:
    """A deployment that can answer little, with one message."""

    def __init__(self) -> None:
        self.hooked: list[Hooked] = []
        self.links = Links()
        self.world = ApiWorld(Settings(hosts=(HOST,), answer_limit=LIMIT), links=self.links, objects=self._hook)
        self.ulid = self.world.deliver(MAIL, recipients=RECIPIENTS).messages[0]
        self.rows = Rows(self.world.world.objects, self.world.world.records, Settings())

    def _hook(self, objects: Objects) -> Objects:
        self.hooked.append(Hooked(objects))
        return self.hooked[-1]

    def call(self, form: str) -> int:
        return self.world.call(f"/v1/messages/{self.ulid}{form}").status

    def remove(self) -> None:
        Removal(self.rows, self.world.world.new_commit).remove([self.ulid])

    def change(self, change: Callable[[MessageRecord], MessageRecord]) -> None:
        row = self.rows.message(self.ulid)
        assert row.stored is not None
        self.world.world.records.transact(self.rows.replace_message(change(row.stored.record()), row))

    @property
    def copies(self) -> list[str]:
        return [each.key for each in self.world.world.objects.list("derived/")]

    @property
    def puts(self) -> list[str]:
        return [key for each in self.hooked for key in each.puts]


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def test_every_copy_is_made_once_and_goes_with_its_message(deployed: Deployed) -> None:
    assert [deployed.call(form) for form in FORMS * 2] == [307] * len(FORMS) * 2
    assert len(deployed.puts) == len(set(deployed.puts)) == len(FORMS)
    assert all(key.startswith(f"derived/{deployed.ulid}/") for key in deployed.puts)
    assert [key for key, _, _ in deployed.links.asked] == deployed.puts * 2
    deployed.remove()
    assert deployed.copies == []
    assert {deployed.call(form) for form in FORMS} == {404}


def test_a_range_of_text_that_fits_is_answered_and_a_larger_one_is_the_whole_redirected_to(deployed: Deployed) -> None:
    path = f"/v1/messages/{deployed.ulid}/text"
    for last, status in ((LIMIT - 2, 206), (LIMIT - 1, 206), (LIMIT, 307)):
        answer = deployed.world.call(path, headers={"range": f"bytes=0-{last}"})
        assert (answer.status, len(answer.body)) == (status, last + 1 if status == 206 else 0)
    [copy] = deployed.copies
    assert deployed.world.world.objects.head(copy).size > LIMIT + 1


@pytest.mark.parametrize("form", FORMS)
def test_a_message_that_is_deleted_while_its_copy_is_made_leaves_none(form: str, deployed: Deployed) -> None:
    for each in deployed.hooked:
        each.hook = deployed.remove
    assert deployed.call(form) == 404
    assert len(deployed.puts) == 1
    assert deployed.copies == []
    assert deployed.links.asked == []


@pytest.mark.parametrize(
    "change",
    [
        lambda part: structs.replace(part, type="text/plain"),
        lambda part: structs.replace(part, sha256="0" * 64),
    ],
    ids=["type", "content"],
)
def test_a_part_that_another_parser_reads_otherwise_is_copied_anew(
    change: Callable[[BodyPart], BodyPart], deployed: Deployed
) -> None:
    assert deployed.call("/parts/2") == 307

    def changed(record: MessageRecord) -> MessageRecord:
        first, second = record.body_structure.sub_parts or ()
        body = structs.replace(record.body_structure, sub_parts=(first, change(second)))
        return structs.replace(record, body_structure=body)

    deployed.change(changed)
    assert [deployed.call("/parts/2") for _ in range(2)] == [307, 307]
    assert len(deployed.puts) == len(set(deployed.puts)) == 2
    assert deployed.links.asked[-1][0] == deployed.puts[1]


def test_a_part_without_a_hash_is_copied_anew_for_another_parser(deployed: Deployed) -> None:
    assert deployed.call("/parts/1") == 307
    deployed.change(lambda record: structs.replace(record, parser_version=record.parser_version + 1))
    assert deployed.call("/parts/1") == 307
    assert len(set(deployed.puts)) == 2


def test_text_that_has_become_another_is_copied_anew(deployed: Deployed) -> None:
    before = [deployed.call(form) for form in ("", "/headers")]
    deployed.change(lambda record: structs.replace(record, headers=record.headers * 2))
    assert [deployed.call(form) for form in ("", "/headers")] == before == [307, 307]
    assert len(set(deployed.puts)) == 4
    assert [key for key, _, _ in deployed.links.asked] == deployed.puts


def test_what_ingest_put_for_a_message_that_is_deleted_meanwhile_goes() -> None:
    world = World(Settings(record_overflow=LIMIT))
    talk = converse([MAIL], recipients=RECIPIENTS)
    world.hold(talk)
    hooked = Hooked(world.objects)
    hooked.hook = lambda: Removal(Rows(world.objects, world.records, Settings()), world.new_commit).remove(
        talk.messages
    )
    event = world.created(message_key(talk.messages[0]))
    assert world.ingest(objects=hooked).handle(event) is Outcome.IGNORED
    assert hooked.puts
    assert world.objects.list(f"derived/{talk.messages[0]}/") == []


def test_what_a_reindex_put_for_a_message_that_is_deleted_meanwhile_goes() -> None:
    settings = Settings(record_overflow=LIMIT)
    world = World(settings)
    talk = converse([MAIL], recipients=RECIPIENTS)
    world.hold(talk)
    world.deliver_all(talk.objects)
    rows = Rows(world.objects, world.records, settings)
    row = rows.message(talk.messages[0])
    assert row.stored is not None
    world.records.transact(rows.replace_message(structs.replace(row.stored.record(), subject="old"), row))
    hooked = Hooked(world.objects)
    work = Reindex(hooked, world.records, settings, clock_ms=lambda: 0, new_id=world.new_commit)
    work.begin()
    hooked.puts.clear()
    hooked.hook = lambda: Removal(Rows(world.objects, world.records, settings), world.new_commit).remove(talk.messages)
    while work.step():
        pass
    assert hooked.puts
    assert world.objects.list(f"derived/{talk.messages[0]}/") == []


def test_an_entry_of_the_feed_that_overflows_goes_with_its_message() -> None:
    settings = Settings(record_overflow=LIMIT)
    world = World(settings)
    talk = converse([MAIL], recipients=RECIPIENTS)
    world.hold(talk)
    world.deliver(message_key(talk.messages[0]))
    names = {
        each.key.rpartition("/")[2].partition("-")[0] for each in world.objects.list(f"derived/{talk.messages[0]}/")
    }
    assert names >= {"record", "document", "event"}
    Removal(Rows(world.objects, world.records, settings), world.new_commit).remove(talk.messages)
    left = [each.key for each in world.objects.list("derived/") if talk.session not in each.key]
    assert left == []
