"""A report names the message that it is about: in either order, by Message-ID or ENVID, never one that is gone."""

import pytest
from msgspec import UNSET

from mailscribe.records.report import DeliveryReport
from mailscribe.service.original import CANDIDATES
from mailscribe.service.reading import Reading
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from support.conversation import Conversation, converse, plain_message
from support.faults import FaultyRecords
from support.world import World

ENVELOPE_ID = "QQ+2B314"


def original(number: int, *, count: int = 1) -> Conversation:
    """Messages of one Message-ID, the last of them with an ENVID."""
    content = plain_message(7).decode()
    mail = f"MAIL FROM:<mable@x.org> ENVID={ENVELOPE_ID}\r\nRCPT TO:<bob@test.org>\r\nDATA\r\n{content}.\r\n"
    plain = "MAIL FROM:<mable@x.org>\r\nRCPT TO:<bob@test.org>\r\nDATA\r\n" + content + ".\r\n"
    return converse(number=number, extra=(plain * (count - 1) + mail).encode())


def bounce(*, message_id: bool, envelope_id: bool) -> Conversation:
    returned = "Message-ID: <7@sun.tuc.test.org>\r\n" if message_id else "Subject: x\r\n"
    field = f"Original-Envelope-Id: {ENVELOPE_ID}\r\n" if envelope_id else ""
    text = (
        "Message-ID: <bounce@x.org>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
        f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n{field}\r\n"
        "Final-Recipient: rfc822; bob@example.org\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}\r\n--b--\r\n"
    )
    return converse([text.encode()], number=2)


def named(world: World, report: str) -> object:
    found = Reading(world.records, world.objects, world.settings).message(report).report
    assert isinstance(found, DeliveryReport)
    return found.original_message


@pytest.mark.parametrize(("by_id", "by_envelope"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_either_order(by_id: bool, by_envelope: bool, order: tuple[int, ...]) -> None:
    world, talks = World(), (original(1), bounce(message_id=by_id, envelope_id=by_envelope))
    world.hold(*talks)
    for index in order:
        world.deliver_all(list(talks[index].objects) * 2)
    expected = talks[0].messages[0] if by_id or by_envelope else UNSET
    assert named(world, talks[1].messages[0]) == expected


def test_the_first_that_is_there_is_named() -> None:
    world, first, report = World(), original(1, count=2), bounce(message_id=True, envelope_id=False)
    world.hold(first, report)
    world.deliver_all([*first.objects, *report.objects])
    for ulid in first.messages:
        assert named(world, report.messages[0]) == ulid
        Removal(Rows(world.objects, world.records, world.settings), world.new_commit).remove([ulid])
    assert named(world, report.messages[0]) is UNSET


def test_reads_are_bounded_and_none_for_other_mail() -> None:
    world, first = World(), original(1, count=CANDIDATES + 2)
    report = bounce(message_id=True, envelope_id=True)
    world.hold(first, report)
    world.deliver_all([*first.objects, *report.objects])
    for ulid, most in ((first.messages[0], 1), (report.messages[0], 5)):
        records = FaultyRecords(world.records)
        Reading(records, world.objects, world.settings).message(ulid)
        assert len(records.faults.calls) <= most
