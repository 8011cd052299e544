"""Random records in a small world of words, people and times, where queries have many and odd matches."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from msgspec import UNSET, structs

from mailscribe.ids import make_ulid, ulid_time
from mailscribe.query import message_document, session_document
from mailscribe.records import (
    Auth,
    BodyPart,
    Client,
    Defect,
    DeliveredTo,
    Delivery,
    DeliveryReport,
    EmailAddress,
    Envelope,
    EnvelopeAddress,
    Finding,
    HeaderField,
    IndexDocument,
    Kind,
    MessageRecord,
    RawLocation,
    Reply,
    ReportedRecipient,
    SessionEnd,
    SessionLink,
    SessionRecord,
    Tls,
    Turn,
)
from mailscribe.store.tail import Tail
from support.brute_query import Message, Talk, Thing

START_MS = 1_700_000_000_000
SPAN_MS = 60_000
NOW = datetime(2023, 11, 14, 22, 14, tzinfo=UTC)
WORDS = ("alpha", "Beta", "gamma", "naïve", "Straße", "order", "ordinary", "foo-bar", "東京都", "京都", "42", "re:")
NAMES = ("Alice Smith", "Smith Alice", "Zoë", "Bob O'Neil", "alpha", None)
LOCALS = ("alice", "bob", "a.smith", "alpha", "ali")
DOMAINS = ("x.org", "mail.x.org", "y.example", "alice")
HELOS = ("sun.tuc.x.org", "x.org", "mail.y.example", None)
IPS = ("192.0.2.1", "192.0.2.77", "192.0.3.9", "2001:db8::1", "2001:db9::1")
REPLIES = (
    (250, "2.1.5", "Recipient ok"),
    (550, "5.1.1", "user unknown: alpha"),
    (451, "4.3.0", "try again, naïve client"),
    (421, "4.4.2", "timed out"),
)
ENDS: tuple[SessionEnd | None, ...] = ("quit", "timeout", "aborted", None)
TYPES = ("text/plain", "text/html", "image/png", "image/svg+xml", "application/pdf", "text/calendar")
HEADERS = ("List-Id", "X-Mailer", "x-mailer", "X-Campaign", "Received")
SIZES = (0, 1, 2, 3, 100, 1023, 1024, 1025, 4096, 5000, 20_480, 1_572_864, (1 << 32) - 2)
DURATIONS = (0, 1, 999, 1000, 1001, 10_000, 10_001, 90_000)
DELIVERIES: tuple[Delivery | None, ...] = (None, None, "mailbox", "terminal", "terminal-or-mailbox", "both")
AUTHS = (None, Auth(mechanism="PLAIN", user="alice"), Auth(mechanism="LOGIN", user="Bob"))
TLS = (None, Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384"), Tls(version="TLSv1.2", cipher="AES256"))
FINDINGS = ("bare-lf", "bare-cr", "no-date")


def address(random: Random) -> str:
    return f"{random.choice(LOCALS)}@{random.choice(DOMAINS)}"


def some_ulid(random: Random) -> str:
    return make_ulid(START_MS + random.randrange(SPAN_MS), random.getrandbits(80))


def attachment(name: str) -> BodyPart:
    return BodyPart(
        part_id="2", blob_id=None, size=1, name=name, type="text/plain", charset=None, disposition="attachment",
        cid=None, language=None, location=None,
    )  # fmt: skip


def some_part(random: Random, part_id: str) -> BodyPart:
    """A leaf of this world."""
    return structs.replace(
        attachment("x"),
        part_id=part_id,
        type=random.choice(TYPES),
        disposition=random.choice(("attachment", "inline", None)),
        cid=random.choice(("logo@x.org", None, None)),
    )


def message_record(ulid: str, **changes: object) -> MessageRecord:
    """A message of nothing, but for `changes`."""
    empty = MessageRecord(
        id=ulid, blob_id=ulid, size=100, sha256="0" * 64, received_at=ulid_time(ulid), sent_at=None, message_id=None,
        in_reply_to=None, references=None, from_=None, sender=None, to=None, cc=None, bcc=None, reply_to=None,
        subject=None, headers=(), body_structure=attachment("x"), body_values={}, text_body=(), html_body=(),
        attachments=(), has_attachment=False, preview="", envelope=None, delivered_to=(), delivery=None, session=None,
        client=None, helo=None, tls=None, auth=None, trace=(), raw=RawLocation(key="k", offset=0), defects=(),
        parser_version=1,
    )  # fmt: skip
    return structs.replace(empty, **changes)


def session_record(ulid: str, **changes: object) -> SessionRecord:
    """A session of nothing, but for `changes`."""
    empty = SessionRecord(
        id=ulid, state="closed", opened_at=ulid_time(ulid), closed_at=ulid_time(ulid), listener="smtp",
        client=Client(ip="192.0.2.1", port=1), helo=None, tls=None, auth=None, outcome=(), end="quit", messages=(),
        findings=(), turns=(),
    )  # fmt: skip
    return structs.replace(empty, **changes)


def turn(seq: int, verb: str | None, command: str | None, reply: tuple[int, str, str] | None) -> Turn:
    """A turn with a reply of one line."""
    answer = reply and Reply(code=reply[0], enhanced=reply[1], lines=(reply[2],))
    return Turn(seq=seq, at=float(seq), verb=verb, command=command, reply=answer or None, latency_ms=0.1)


def random_message(random: Random) -> Message:
    """A message of this world."""
    names = [f"{random.choice(WORDS)}.pdf"] if random.random() < 0.3 else []
    envelope = Envelope(
        mail_from=EnvelopeAddress(email=random.choice(("", address(random)))),
        rcpt_to=tuple(EnvelopeAddress(email=address(random)) for _ in range(random.randrange(1, 4))),
    )
    record = message_record(
        some_ulid(random),
        message_id=(f"{random.randrange(9)}@x.org",),
        from_=_people(random, 1),
        to=_people(random, 2),
        cc=_people(random, 1),
        bcc=_people(random, 1),
        reply_to=_people(random, 1),
        sender=_people(random, 1),
        in_reply_to=(f"{random.randrange(9)}@x.org",),
        sha256=str(random.randrange(4)) * 64,
        thread_id=random.choice((UNSET, *(f"t{digit * 31}" for digit in "01a"))),
        headers=tuple(
            HeaderField(name=random.choice(HEADERS), value=f" {_text(random, 3)}") for _ in range(random.randrange(8))
        ),
        subject=_text(random, 4) if random.random() < 0.9 else None,
        attachments=tuple(map(attachment, names)),
        has_attachment=bool(names),
        envelope=envelope if random.random() < 0.8 else None,
        delivered_to=(DeliveredTo(email=address(random)),),
        session=SessionLink(id=make_ulid(START_MS, random.randrange(4)), transaction=1),
        **_facts(random),
        **_content(random),
    )
    return Message(record, _text(random, 12), some_ulid(random))


def _facts(random: Random) -> dict[str, object]:
    """What a message has of the session that it came by."""
    return {
        "client": Client(ip=random.choice(IPS), port=25),
        "helo": random.choice(HELOS),
        "tls": random.choice(TLS),
        "auth": random.choice(AUTHS),
    }


def _content(random: Random) -> dict[str, object]:
    """What a message is made of."""
    leaves = tuple(some_part(random, str(number)) for number in range(1, random.randrange(2, 5)))
    changes: dict[str, object] = {
        "size": random.choice(SIZES),
        "delivery": random.choice(DELIVERIES),
        "defects": random.choice(((), (Defect(code="no-date"),))),
        "body_structure": structs.replace(leaves[0], part_id=None, type="multipart/mixed", cid=None, sub_parts=leaves),
        "html_body": tuple(leaf for leaf in leaves if leaf.type.startswith("text/"))[:1],
    }
    if random.random() < 0.3:
        reported = ReportedRecipient(
            final_recipient=address(random),
            action="failed",
            status=random.choice(("5.1.1", "4.2.2", None)),
            class_=random.choice(("hard", "soft", "delayed")),
        )
        changes["report"] = DeliveryReport(reporting_mta=None, recipients=(reported,))
    return changes


def random_talk(random: Random) -> Talk:
    """A session of this world."""
    turns = [turn(0, None, None, (220, "", "test.org ESMTP"))]
    for seq in range(1, random.randrange(1, 6)):
        verb, command = random.choice(
            (
                ("MAIL", f"MAIL FROM:<{address(random)}>"),
                ("RCPT", f"RCPT TO:<{address(random)}>"),
                ("VRFY", f"VRFY {random.choice(WORDS)}"),
                ("NOOP", "NOOP"),
            )
        )
        turns.append(turn(seq, verb, command, random.choice((*REPLIES, None))))
    ulid = some_ulid(random)
    is_open = random.random() < 0.2
    record = session_record(
        ulid,
        state="open" if is_open else "closed",
        closed_at=None if is_open else ulid_time(ulid) + timedelta(milliseconds=random.choice(DURATIONS)),
        messages=tuple(make_ulid(START_MS, number) for number in range(random.choice((0, 0, 1, 2, 5)))),
        tls=random.choice(TLS),
        auth=random.choice(AUTHS),
        client=Client(ip=random.choice(IPS), port=25),
        helo=random.choice(HELOS),
        outcome=random.choice(((), ("delivered",), ("delivered", "rejected"))),
        end=random.choice(ENDS),
        findings=tuple(Finding(code=random.choice(FINDINGS), turn=turn) for turn in range(random.randrange(3))),
        turns=tuple(turns),
    )
    return Talk(record, some_ulid(random))


def document(thing: Thing) -> IndexDocument:
    """A record's index document."""
    if isinstance(thing, Message):
        return message_document(thing.record, thing.text, thing.commit)
    return session_document(thing.record, thing.commit)


@cache
def world(kind: Kind, seed: int) -> tuple[Tail, tuple[Thing, ...]]:
    """A tail with a history (late arrivals, replacements, removals), and what should be left in it."""
    random = Random(seed)
    make = random_message if kind == "message" else random_talk
    tail = Tail(kind)
    present: dict[str, Thing] = {}
    for _ in range(6):
        arrived: list[Thing] = [make(random) for _ in range(12)]
        if present:
            arrived.append(_again(random.choice(sorted(present)), make(random)))
        tail.put(map(document, arrived))
        present |= {thing.id: thing for thing in arrived}
        gone = random.sample(sorted(present), 2)
        tail.remove(gone)
        for ulid in gone:
            del present[ulid]
    return tail, tuple(present.values())


def _again(ulid: str, thing: Thing) -> Thing:
    if isinstance(thing, Message):
        return Message(structs.replace(thing.record, id=ulid), thing.text, thing.commit)
    return Talk(structs.replace(thing.record, id=ulid), thing.commit)


def _text(random: Random, most: int) -> str:
    return " ".join(random.choices(WORDS, k=random.randrange(1, most + 1)))


def _people(random: Random, most: int) -> Sequence[EmailAddress]:
    return tuple(
        EmailAddress(name=random.choice(NAMES), email=address(random)) for _ in range(random.randrange(most + 1))
    )
